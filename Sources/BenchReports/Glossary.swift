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
    ]

    static func meaning(of term: String) -> String? { meanings[term] }
}
