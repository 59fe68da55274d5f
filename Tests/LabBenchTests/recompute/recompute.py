#!/usr/bin/env python3
"""Computes the numbers of a results.json again, from its histograms, counts and samples.

usage: recompute.py DIRECTORY [--against BASE_DIRECTORY COMPARISON.json]

It shares no code with lab-bench: percentiles and intervals come from numpy and scipy. With --against it also computes
what `lab-bench compare --json` has said of the two results. Ends with 0 when every number is the same, with 1 when one
is not, and with 64 for files that it cannot use. Numbers that only the run itself could know (processor time, what the
stores held) are taken as they are.
"""

import csv
import gzip
import itertools
import json
import math
import pathlib
import sys

import numpy
from scipy import optimize, stats

# A histogram keeps three digits, so one of its values stands for all within 0.1 %.
DIGITS = 0.0012
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
ALPHA = 0.05


class Audit:
    def __init__(self):
        self.count = 0
        self.wrong = []

    def same(self, name, theirs, ours, relative=1e-9, absolute=1e-9):
        """Two numbers, or two absences of one."""
        self.count += 1
        if theirs is None or ours is None:
            if theirs is not None or ours is not None:
                self.wrong.append(f"{name}: the file says {theirs}, computed was {ours}")
        elif not math.isclose(theirs, ours, rel_tol=relative, abs_tol=absolute):
            self.wrong.append(f"{name}: the file says {theirs}, computed was {ours}")

    def equal(self, name, theirs, ours):
        self.count += 1
        if theirs != ours:
            self.wrong.append(f"{name}: the file says {theirs!r}, computed was {ours!r}")

    def between(self, name, theirs, low, high):
        self.count += 1
        if not low <= theirs <= high:
            self.wrong.append(f"{name}: the file says {theirs}, it must be from {low} to {high}")


audit = Audit()


def expand(pairs):
    """value, count, value, count, ... as a sorted sample."""
    values = numpy.array(pairs[0::2], dtype=float)
    return numpy.sort(numpy.repeat(values, numpy.array(pairs[1::2], dtype=int)))


def percentile(name, theirs, sample, share):
    """The value at a rank. Which of two neighbours it is depends on how a rank is rounded."""
    if len(sample) * (1 - share) + 1e-6 < 10:
        audit.same(name, theirs, None)
        return
    if theirs is None:
        audit.wrong.append(f"{name}: missing, although ten values lie beyond it")
        return
    rank = math.ceil(len(sample) * share - 1e-9)
    low, high = sample[max(rank - 2, 0)], sample[min(rank, len(sample) - 1)]
    audit.between(name, theirs, low * (1 - DIGITS) - 1, high * (1 + DIGITS) + 1)


def ranks(count, share):
    """Ranks between which the true percentile lies with 95 % confidence, by the binomial distribution."""
    tail = ALPHA / 2
    ks = numpy.arange(0, count + 1)
    below = stats.binom.cdf(ks - 1, count, share)
    low = ks[below <= tail].max(initial=0)
    above = ks[below >= 1 - tail]
    return (low, above.min()) if low > 0 and len(above) else None


def percentiles(name, theirs, sample):
    audit.same(f"{name}.count", theirs["count"], len(sample))
    if not len(sample):
        return
    audit.same(f"{name}.mean", theirs["mean"], float(sample.mean()), relative=DIGITS, absolute=1)
    audit.same(f"{name}.max", theirs["max"], float(sample.max()), relative=DIGITS, absolute=1)
    for key, share in SHARES.items():
        percentile(f"{name}.{key}", theirs[key], sample, share)
        interval = (theirs.get("intervals") or {}).get(key)
        found = ranks(len(sample), share) if theirs[key] is not None else None
        if interval is None or found is None:
            audit.equal(f"{name}.intervals.{key}", interval is None, found is None)
            continue
        for end, rank in zip(("low", "high"), found):
            value = sample[rank - 1]
            audit.same(f"{name}.intervals.{key}.{end}", interval[end], value, relative=DIGITS, absolute=1)


def curve(name, theirs, sample):
    for point in theirs:
        percentile(f"{name}.{point['share']}", point["us"], sample, point["share"])


def spread(name, theirs, values):
    if theirs is None:
        audit.equal(name, theirs, None if not values else values)
        return
    audit.same(f"{name}.median", theirs["median"], float(numpy.median(values)))
    audit.same(f"{name}.min", theirs["min"], min(values))
    audit.same(f"{name}.max", theirs["max"], max(values))


def another_run(name, theirs, center, values):
    """Where a run of as many trials would lie: Student's prediction interval on logarithms."""
    if center is None or len(values) < 3 or any(not value for value in values):
        audit.equal(name, theirs, None)
        return
    logs = numpy.log(values)
    reach = stats.t.ppf(1 - ALPHA / 2, len(logs) - 1) * logs.std(ddof=1) * math.sqrt(2 / len(logs))
    audit.same(f"{name}.low", theirs["low"], center * math.exp(-reach), relative=1e-6)
    audit.same(f"{name}.high", theirs["high"], center * math.exp(reach), relative=1e-6)


def half_ratio(trial):
    """Second half of the window to the first, by steps that lie wholly in it, and Welch's t."""
    step = trial["series_step_ms"] / 1000
    start = trial["warmup_seconds"]
    end = start + trial["duration_seconds"]
    first = math.ceil(start / step - 1e-6)
    last = min(math.floor(end / step + 1e-6), len(trial["series"]))
    sold = numpy.array([entry["successes"] for entry in trial["series"][first:last]], dtype=float)
    if len(sold) < 10 or not sold.sum():
        return None
    half = len(sold) // 2
    return sold[:half], sold[len(sold) - half:]


def trial_numbers(name, trial, users, scenario):
    outcomes = trial["measured"]
    successes = outcomes["success"]
    if trial["model"] == "closed":
        audit.same(f"{name}.purchases_per_second", trial["purchases_per_second"], successes / trial["duration_seconds"])
    sent = sum(outcomes.values())
    audit.same(f"{name}.success_share", trial["success_share"], successes / sent if sent else None)
    for outcome, pairs in trial["latency_histogram_us"].items():
        audit.same(f"{name}.measured.{outcome}", outcomes[outcome], sum(pairs[1::2]))
        if trial["latency_us"][outcome].get("bounds_from") is None:
            percentiles(f"{name}.latency.{outcome}", trial["latency_us"][outcome], expand(pairs))
    for outcome, theirs in trial["response_us"].items():
        pairs = trial["response_histogram_us"].get(outcome) or trial["latency_histogram_us"][outcome]
        if theirs.get("bounds_from") is None:
            percentiles(f"{name}.response.{outcome}", theirs, expand(pairs))
    for part in ("wait", "hold"):
        if trial.get(f"{part}_histogram_us") is not None:
            percentiles(f"{name}.{part}", trial[f"{part}_us"], expand(trial[f"{part}_histogram_us"]))
    counts = numpy.array(trial["user_successes"]["counts"], dtype=float)
    audit.same(f"{name}.users", counts.sum(), successes)
    jain = counts.sum() ** 2 / (len(counts) * (counts**2).sum()) if counts.any() else None
    audit.same(f"{name}.jain", trial["user_successes"]["jain"], None if jain is None else float(jain))
    if trial["model"] == "closed" and scenario == "purchase":
        # Little's law from the report's own rate and mean, over all outcomes.
        # What an answer waits for the generator is no service time, but the user is not idle either.
        queue = (trial["generator"].get("queue_us") or {}).get("mean") or 0
        busy = sum(expand(pairs).sum() + queue * sum(pairs[1::2]) for pairs in trial["latency_histogram_us"].values())
        share = busy / 1e6 / users / trial["duration_seconds"]
        # Between an answer and the next request the generator works, for less than 100 us: much where a user
        # waits for 1 ms only.
        between = 100e-6 * sent / users / trial["duration_seconds"]
        audit.same(f"{name}.busy_share", trial["busy_share"], share, absolute=0.02 + between)
    halves = half_ratio(trial)
    measured = trial.get("measurement") or {}
    if halves is not None and measured.get("drift_ratio") is not None and halves[0].sum():
        audit.same(f"{name}.drift", measured["drift_ratio"], halves[1].mean() / halves[0].mean())
        if measured["drift_statistic"]:
            found = stats.ttest_ind(halves[1], halves[0], equal_var=False).statistic
            audit.same(f"{name}.drift t", measured["drift_statistic"], float(found), relative=1e-6)
    sold = 0
    for place, entry in enumerate(trial["series"]):
        sold += entry["successes"]
        if trial["audit"].get("is_multiple") is None and trial.get("products") is None:
            audit.same(f"{name}.series.{place}.sold_so_far", entry["sold_so_far"], sold)
        rate = entry["successes"] * 1000 / trial["series_step_ms"]
        audit.same(f"{name}.series.{place}.per_second", entry["per_second"], rate)
    audit.same(f"{name}.series", sold, trial["totals"]["success"])


def samples(directory, results):
    """Each request that was kept against the histogram of its trial."""
    path = directory / "samples.csv.gz"
    if not path.exists():
        return
    kept = {}
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            kept.setdefault(int(row["trial"]), []).append(row)
    for trial in results["trials"]:
        rows = kept.get(trial["order"], [])
        name = f"trial {trial['order']}, samples"
        if not rows or "journey" in trial:
            continue
        audit.same(f"{name}: of requests", int(rows[0]["of_requests"]), sum(trial["measured"].values()))
        times = numpy.array(
            [int(row["done_us"]) - int(row["sent_us"]) for row in rows if row["outcome"] == "success"], dtype=float)
        whole = expand(trial["latency_histogram_us"].get("success", []))
        if len(times) == len(whole) and len(times):
            off = numpy.abs(numpy.sort(times) - whole).max() / max(whole.max(), 1)
            audit.between(f"{name}: farthest from the histogram", float(off), 0, 0.002)
        elif len(times) > 100:
            p = stats.ks_2samp(times, whole).pvalue
            audit.between(f"{name}: chance of such a choice", float(p), 1e-6, 1)
        half = trial["warmup_seconds"] + trial["duration_seconds"] / 2
        if len(rows) > 1000 and len(rows) < int(rows[0]["of_requests"]) and trial["model"] == "closed":
            # A fair choice has as many of the first half as the series has: of the steps that lie in it as a whole.
            step = trial["series_step_ms"] * 1000
            begin, edge = math.ceil(trial["warmup_seconds"] * 1e6 / step), int(half * 1e6 / step)
            early = sum(begin * step <= int(row["done_us"]) < edge * step for row in rows)
            answers = [entry["successes"] + entry["refusals"] + entry["errors"] for entry in trial["series"]]
            share = sum(answers[begin:edge]) / max(sum(trial["measured"].values()), 1)
            error = math.sqrt(share * (1 - share) / len(rows))
            audit.between(f"{name}: of the first half", early / len(rows), share - 6 * error - 0.03, share + 6 * error + 0.03)


def journey_numbers(name, journey, seconds):
    for step in journey["steps"]:
        percentiles(f"{name}.journey.{step['step']}", step["latency_us"], expand(step["histogram_us"]))
    whole = journey["whole_us"]["count"]
    audit.same(f"{name}.visitors_per_second", journey["visitors_per_second"], whole / seconds)


def law(loads):
    """The universal scalability law with the least squares of relative errors, nothing below zero."""
    users, rates = (numpy.array(part, dtype=float) for part in zip(*loads))
    rows = numpy.stack([numpy.ones_like(users), users - 1, users * (users - 1)], axis=1) * (rates / users)[:, None]
    fit, _ = optimize.nnls(rows, numpy.ones_like(users))
    fitted = users / (numpy.stack([numpy.ones_like(users), users - 1, users * (users - 1)], axis=1) @ fit)
    return 1 / fit[0], fit[1] / fit[0], fit[2] / fit[0], 1 - fitted / rates


def sweep_numbers(results, trials):
    sweep = results["sweep"]
    for point in sweep["points"]:
        name = f"sweep, {point['strategy']}, {point['users']} users, {point['offered_per_second']}"
        own = [
            trial for trial in trials
            if trial["strategy"] == point["strategy"] and len(trial["user_successes"]["counts"]) == point["users"]
            and (trial["offer"] or {}).get("rate_per_second") == point["offered_per_second"]
        ]
        rate = float(numpy.median([trial["purchases_per_second"] for trial in own]))
        audit.same(f"{name}: rate", point["purchases_per_second"], rate)
        histogram = "latency_histogram_us" if sweep["kind"] == "users" else "response_histogram_us"
        percentiles(f"{name}: response", point["response_us"], merged(own, histogram))
    for fit in sweep["fits"]:
        theirs, name = fit["law"], f"law of {fit['strategy']}"
        loads = [(p["users"], p["purchases_per_second"]) for p in sweep["points"] if p["strategy"] == fit["strategy"]]
        per_user, contention, coherency, residuals = law(loads)
        for key, value in (("per_user", per_user), ("contention", contention), ("coherency", coherency)):
            audit.same(f"{name}: {key}", theirs[key], value, relative=1e-5, absolute=1e-9)
        for place, (one, other) in enumerate(zip(theirs["residuals"], residuals)):
            audit.same(f"{name}: residual {place}", one, other, absolute=1e-6)
        for point in theirs["curve"]:
            users = point["users"]
            value = per_user * users / (1 + contention * (users - 1) + coherency * users * (users - 1))
            audit.same(f"{name}: curve at {users}", point["per_second"], value, relative=1e-3, absolute=0.01)
        if theirs.get("contention_reach") is not None:
            others = [law(loads[:place] + loads[place + 1:]) for place in range(len(loads))]
            for key, place in (("contention_reach", 1), ("coherency_reach", 2)):
                values = [other[place] for other in others]
                audit.same(f"{name}: {key} low", theirs[key]["low"], min(values), relative=1e-5, absolute=1e-9)
                audit.same(f"{name}: {key} high", theirs[key]["high"], max(values), relative=1e-5, absolute=1e-9)


def merged(trials, key, outcome="success"):
    pairs = [pair for trial in trials for pair in [trial[key].get(outcome) if isinstance(trial[key], dict) else trial[key]]]
    return expand([value for pair in pairs if pair for value in pair])


def strategy_numbers(entry, trials):
    name = entry["id"]
    closed = [trial for trial in trials if trial["model"] == "closed"]
    opened = [trial for trial in trials if trial["model"] != "closed"]
    shown = closed or opened
    audit.same(f"{name}.trials", entry["trials"], len(trials))
    spread(f"{name}.purchases_per_second", entry["purchases_per_second"], [t["purchases_per_second"] for t in shown])
    sold = sum(trial["measured"]["success"] for trial in shown)
    sent = sum(sum(trial["measured"].values()) for trial in shown)
    audit.same(f"{name}.success_share", entry["success_share"], sold / sent if sent else None)
    if entry["latency_us"].get("bounds_from") is None:
        latency = merged(shown, "latency_histogram_us")
        percentiles(f"{name}.latency", entry["latency_us"], latency)
        curve(f"{name}.curve", entry["curve"], latency)
    for key in ("p50", "p90", "p95", "p99"):
        each = [(trial["latency_us"].get("success") or {}).get(key) for trial in shown]
        theirs = (entry.get("latency_intervals_us") or {}).get(key)
        another_run(f"{name}.latency interval {key}", theirs, entry["latency_us"][key], each)
    for part in ("wait", "hold"):
        percentiles(f"{name}.{part}", entry[f"{part}_us"], merged(shown, f"{part}_histogram_us"))
    for key, field in (("attempts_per_success", "attempts"), ("redis_commands_per_success", "redis_commands")):
        count = sum(trial[field]["count"] for trial in shown)
        mean = sum(trial[field]["mean"] * trial[field]["count"] for trial in shown if trial[field]["count"])
        audit.same(f"{name}.{key}", entry[key], mean / count if count else None, relative=DIGITS)
    jains = [trial["user_successes"]["jain"] for trial in shown if trial["user_successes"]["jain"] is not None]
    audit.same(f"{name}.jain", entry["jain"], min(jains) if jains else None)
    ledger = entry["ledger"]
    for key, field in (("answered", "answered_success"), ("unknown", "unknown"), ("rows", "rows"), ("units", "units_sold")):
        values = [trial["audit"][field] for trial in trials]
        if None not in values:
            audit.same(f"{name}.ledger.{key}", ledger[key], sum(values))
    limiter = entry["limiter"]
    if limiter and shown:
        wall = sum(trial["load_seconds"] for trial in shown)
        for key, field in (("bench_cores", "bench"), ("server_cores", "server"), ("redis_cores", "redis")):
            used = [trial["cpu_seconds"].get(field) for trial in shown]
            if None not in used:
                audit.same(f"{name}.limiter.{key}", limiter[key], sum(used) / wall, relative=1e-6)
        if limiter["wait_share"] is not None:
            share = entry["wait_us"]["mean"] / entry["latency_us"]["mean"]
            audit.same(f"{name}.limiter.wait_share", limiter["wait_share"], share)
    if entry["open"]:
        theirs = entry["open"]
        spread(f"{name}.open.achieved", theirs["achieved_per_second"], [t["purchases_per_second"] for t in opened])
        audit.same(f"{name}.open.unsent", theirs["unsent"], sum(t["offer"]["unsent"] for t in opened))
        for key, histogram in (("service", "latency_histogram_us"), ("response", "response_histogram_us")):
            if theirs[f"{key}_us"].get("bounds_from") is None:
                sample = merged(opened, histogram)
                percentiles(f"{name}.open.{key}", theirs[f"{key}_us"], sample)
                curve(f"{name}.open.{key}_curve", theirs[f"{key}_curve"], sample)


def log_ratio(base, new, paired):
    """Mean difference of logarithms, its standard error, and the degrees of freedom."""
    if min(len(base), len(new)) < 3 or min(base + new) <= 0:
        return None
    before, after = numpy.log(base), numpy.log(new)
    if paired:
        difference = after - before
        return difference.mean(), stats.sem(difference), len(difference) - 1
    found = stats.ttest_ind(after, before, equal_var=False)
    error = math.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    return after.mean() - before.mean(), error, found.df if error > 0 else len(before) + len(after) - 2


def welch(one, other):
    variance = one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)
    difference = abs(one.mean() - other.mean())
    return 0 if difference < 1e-12 else math.inf if variance < 1e-24 else difference / math.sqrt(variance)


def chance(base, new, paired, level):
    """The p-value, and how it was found: without assumptions where that can tell a difference at all."""
    mean, error, degrees = log_ratio(base, new, paired)
    before, after = numpy.log(base), numpy.log(new)
    if paired:
        rounds = len(base)
        if 2.0 ** (1 - rounds) <= level and rounds <= 20:
            signs = numpy.array(list(itertools.product((1, -1), repeat=rounds))) if rounds <= 16 else None
            if signs is not None:
                sums = numpy.abs(signs @ (after - before))
                return float((sums >= sums[0] * (1 - 1e-9)).mean()), "sign flips of paired rounds (exact)"
        how = "t of paired rounds"
    else:
        divisions = math.comb(len(base) + len(new), len(base))
        if (2 if len(base) == len(new) else 1) / divisions <= level and divisions <= 20_000:
            pool = numpy.concatenate([before, after])
            seen = welch(before, after)
            extreme = 0
            for chosen in itertools.combinations(range(len(pool)), len(before)):
                mask = numpy.zeros(len(pool), dtype=bool)
                mask[list(chosen)] = True
                extreme += welch(pool[mask], pool[~mask]) >= seen * (1 - 1e-9)
            return extreme / divisions, "permutation of trials (exact)"
        how = "Welch's t"
    if error == 0:
        return (1.0 if mean == 0 else 0.0), how
    return float(2 * stats.t.sf(abs(mean / error), degrees)), how


def holm(values):
    order = numpy.argsort(values, kind="stable")
    adjusted, most = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        most = max(most, min(1, values[index] * (len(values) - rank)))
        adjusted[index] = most
    return adjusted


def word(better, low, high, p, floor, limit):
    if p <= ALPHA and (low > 1 or high < 1) and abs(better - 1) > floor:
        return "faster" if better > 1 else "slower"
    if low >= 1 - floor and high <= 1 + floor:
        return "within the noise floor"
    if limit is not None and low >= 1 - limit:
        return "not slower beyond the limit"
    return "not separated"


def judgements(questions, floor, limit, looks=1):
    """Each question: name, figure, base, new, whether paired, and what the file says."""
    for figure in {question[1] for question in questions}:
        family = [question for question in questions if question[1] == figure]
        able = [question for question in family if log_ratio(question[2], question[3], question[4])]
        level = ALPHA / max(len(able), 1) / looks
        found = [chance(*question[2:5], level) for question in able]
        for question, (p, how), adjusted in zip(able, found, holm([p for p, _ in found])):
            name, _, base, new, paired, theirs = question
            mean, error, degrees = log_ratio(base, new, paired)
            reach = stats.t.ppf(1 - ALPHA / looks / 2, degrees) * error
            adjusted = min(1, adjusted * looks)
            audit.equal(f"{name}: method", theirs["method"], how)
            audit.same(f"{name}: base", theirs["base_mean"], float(stats.gmean(base)), relative=1e-9)
            audit.same(f"{name}: new", theirs["new_mean"], float(stats.gmean(new)), relative=1e-9)
            audit.same(f"{name}: ratio", theirs["ratio"], math.exp(mean), relative=1e-9)
            audit.same(f"{name}: low", theirs["interval"]["low"], math.exp(mean - reach), relative=1e-6)
            audit.same(f"{name}: high", theirs["interval"]["high"], math.exp(mean + reach), relative=1e-6)
            audit.same(f"{name}: p", theirs["p"], p, relative=1e-6)
            audit.same(f"{name}: adjusted p", theirs["adjusted_p"], adjusted, relative=1e-6)
            power = (stats.t.ppf(1 - level / 2, degrees) + stats.t.ppf(0.8, degrees)) * error
            audit.same(f"{name}: could show", theirs["detectable"], 1 - math.exp(-power), relative=1e-6)
            is_rate = figure == "purchases_per_second"
            low, high = math.exp(mean - reach), math.exp(mean + reach)
            better = math.exp(mean) if is_rate else math.exp(-mean)
            low, high = (low, high) if is_rate else (1 / high, 1 / low)
            audit.equal(f"{name}: word", theirs["word"], word(better, low, high, adjusted, floor, limit))
        for name, _, base, new, _, theirs in [question for question in family if question not in able]:
            stopped = figure == "purchases_per_second" and 0 in new and numpy.median(base) > 0
            audit.equal(f"{name}: word", theirs["word"], "sold nothing" if stopped else "too few rounds")


def rounds_of(results, strategy, figure):
    """The figure of each round of a strategy."""
    found = {}
    for trial in results["trials"]:
        if trial["strategy"] != strategy or trial["is_control"]:
            continue
        if (trial["model"] != "closed") != (figure == "response_p95_us"):
            continue
        if figure == "purchases_per_second":
            value = trial["purchases_per_second"]
        else:
            part = trial["latency_us" if figure == "service_p95_us" else "response_us"]
            value = (part.get("success") or {}).get("p95")
        if value is not None:
            found[trial["block"]] = value
    return found


def common(before, after, paired):
    if not paired:
        return list(before.values()), list(after.values())
    both = [block for block in after if block in before]
    return [before[block] for block in both], [after[block] for block in both]


def pair_numbers(results):
    questions = []
    for pair in results["pairs"]:
        before, after = (rounds_of(results, pair[key], "purchases_per_second") for key in ("first", "second"))
        base, new = common(before, after, True)
        name = f"{pair['second']} against {pair['first']}"
        questions.append((name, "purchases_per_second", base, new, True, pair["judgement"]))
    judgements(questions, results["workload"]["thresholds"]["noise_floor_percent"] / 100, None)


def comparison_numbers(base, new, comparison):
    paired = base["run"].get("pair") is not None and base["run"].get("pair") == new["run"].get("pair")
    questions = []
    for theirs in comparison["judgements"]:
        figure, strategy = theirs["figure"], theirs["strategy"]
        before, after = rounds_of(base, strategy, figure), rounds_of(new, strategy, figure)
        values = common(before, after, paired)
        questions.append((f"{strategy}, {figure}", figure, *values, paired, theirs))
    limits = comparison["thresholds"]
    looks = new["run"].get("looks") or 1 if paired else 1
    judgements(questions, limits["noise_floor_percent"] / 100, limits["regression_percent"] / 100, looks)


def run_numbers(directory):
    with open(directory / "results.json") as file:
        results = json.load(file)
    version = tuple(int(part) for part in results["schema_version"].split("."))
    if version[0] != 2 or version < (2, 4):
        print(f"results.json has schema version {results['schema_version']}; this reads 2.4 and newer 2.x", file=sys.stderr)
        sys.exit(64)
    real = [trial for trial in results["trials"] if not trial["is_control"]]
    load = results["workload"]
    for trial in real:
        name = f"trial {trial['order']} ({trial['strategy']}, {trial['model']})"
        users = len(trial["user_successes"]["counts"])
        trial_numbers(name, trial, users, load["scenario"])
        if trial.get("journey") is not None:
            journey_numbers(name, trial["journey"], trial["duration_seconds"])
    if results.get("sweep") is not None:
        sweep_numbers(results, real)
    if results.get("sweep") is None:
        for entry in results["strategies"]:
            strategy_numbers(entry, [trial for trial in real if trial["strategy"] == entry["id"]])
        pair_numbers(results)
    for check in results["checks"]:
        states = [entry["state"] for trial in real for entry in trial["checks"] if entry["id"] == check["id"]]
        for state, key in (("pass", "passed"), ("fail", "failed"), ("unknown", "unknown")):
            audit.same(f"check {check['id']}: {key}", check[key], states.count(state))
    samples(directory, results)
    return results


def main():
    words = sys.argv[1:]
    if not words or len(words) not in (1, 4) or len(words) == 4 and words[1] != "--against":
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    try:
        new = run_numbers(pathlib.Path(words[0]))
        if len(words) == 4:
            base = run_numbers(pathlib.Path(words[2]))
            with open(words[3]) as file:
                comparison_numbers(base, new, json.load(file))
    except (OSError, ValueError) as error:
        print(f"the results cannot be read: {error}", file=sys.stderr)
        sys.exit(64)
    for line in audit.wrong[:50]:
        print(line)
    print(f"{audit.count} numbers computed again, {len(audit.wrong)} differ")
    sys.exit(1 if audit.wrong else 0)


main()
