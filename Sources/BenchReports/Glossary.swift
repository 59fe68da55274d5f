/// What the terms of a report mean, one sentence each.
enum Glossary {
    private static let meanings = [
        "purchases/s":
            "Purchases that were answered 200, each second of the measured window; the median of the rounds.",
        "min - max": "The lowest and the highest round.",
        "success": "Share of the requests that were answered 200.",
        "p50": "Half of the purchases took no longer than this.",
        "p90": "Nine of ten purchases took no longer than this.",
        "p95": "95 of 100 purchases took no longer than this.",
        "p99": "99 of 100 purchases took no longer than this.",
        "max": "The slowest purchase.",
        "wait p50": "Half of the purchases waited no longer than this for the lock.",
        "wait p99": "99 of 100 purchases waited no longer than this for the lock.",
        "hold p50": "Half of the purchases held the lock no longer than this.",
        "hold p99": "99 of 100 purchases held the lock no longer than this.",
        "attempts": "How often a purchase asked for the lock, on average.",
        "Redis commands": "Commands that Redis ran for one purchase, on average.",
        "contended": "Purchases that got no lock in time: others held it.",
        "unavailable": "Purchases that found Redis or the ledger out of reach.",
        "no answer": "Requests whose connection broke before the answer.",
        "fairness (Jain)":
            "1: every buyer got as many purchases as every other one; 1/n: one buyer got all of them.",
        "of independent buyers":
            "What Jain's index would be if every purchase went to a buyer drawn at random.",
        "limited by": "What kept the strategy from selling more.",
        "offered/s": "Purchases that were asked for, each second.",
        "achieved/s": "Purchases that were answered 200, each second.",
        "unsent": "Purchases that were due but found no free connection before the end.",
        "sustained": "Whether the strategy kept up with the offered rate.",
        "stock lost": "Units that left the stock in Redis.",
        "units sold": "Units in the ledger's rows.",
        "rows": "Purchases in the ledger.",
        "answered 200": "Purchases that a buyer was told of.",
        "unknown": "Requests whose outcome nobody was told.",
        "open reservations": "Units that left the stock and are in no row yet.",
        "refused by ledger": "Sales that the ledger refused, since they would have oversold.",
        "theory": "What must come out, by what the strategy guarantees.",
        "result": "The worst that the tries showed.",
        "judgement": "What the result means beside theory.",
        "invariant": "What must hold, whatever is broken.",
        "try": "How often the fault struck until the violation showed.",
        "tries": "How often the fault struck, a violation ends it.",
        "units": "By how many units it is wrong.",
        "before": "While nothing was broken.",
        "during": "While the fault lasted.",
        "after": "When it was over.",
        "lock held": "From the grant of the lock until its holder gave it back or knew that it was over.",
        "fence": "The number of the grant: a store that checks it refuses an earlier holder.",
        "told":
            "What the buyer was told: ok, refused (too few units), nothing (not served), or no word at all.",
        "conservation": "The units that left the stock are those that buyers have, or that are reserved.",
        "never-below-zero": "The stock is never below zero.",
        "never-oversold": "Buyers have no more units than there were.",
        "one-row-each": "Each acknowledged purchase has one row in the ledger, and no refused one has any.",
        "nothing-refused": "The ledger had to refuse no sale: the stock gave no unit out twice.",
        "no-overlap": "Nobody is let in while somebody else is inside whose writes are still accepted.",
        "fences-rise": "Each grant has a higher number than the one before.",
        "linearizable":
            "One order of the purchases, each between its call and its answer, explains every answer.",
    ]

    static func meaning(of term: String) -> String? { meanings[term] }
}
