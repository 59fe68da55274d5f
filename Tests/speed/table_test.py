"""What the table says of figures that are given."""
import os
import pathlib
import sqlite3
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import keep  # noqa: E402
from rows import ROWS, Aim, Row, Trials, needs  # noqa: E402
from shops import STOCK, Failure, Shop  # noqa: E402

ROW = Row("a", "a ÷ b", [])
RATE = Aim("purchases", ("a", "rate"), ("b", "rate"), least=1.5)


def line(aim, found, failures=None, lacking=lambda trial: None):
    return keep.judged(ROW, aim, found, failures or {}, lacking)


def rates(*values):
    return [{"rate": value} for value in values]


class Table(unittest.TestCase):
    def test_a_ratio_is_taken_within_a_round(self):
        # The machine was slow in the second round, for both.
        found = line(RATE, {"a": rates(300, 30, 310), "b": rates(200, 10, 200)})
        self.assertAlmostEqual(found["value"], 1.55)
        self.assertEqual((found["least"], found["most"]), (1.5, 3))
        self.assertEqual(found["state"], "met")
        self.assertEqual((found["own"], found["peer"]), (300, 200))

    def test_a_missed_aim_is_marked_with_the_number(self):
        self.assertEqual(line(RATE, {"a": rates(90), "b": rates(100)})["state"], "missed: 0.60 of the aim")
        tail = Aim("p99", ("a", "p99_ms"), ("b", "p99_ms"), most=0.1)
        found = line(tail, {"a": [{"p99_ms": 20}], "b": [{"p99_ms": 100}]})
        self.assertEqual(found["state"], "missed: 2.00 times the aim")

    def test_a_figure_without_a_peer_stands_for_itself(self):
        alone = Aim("peak", ("a", "peak_mb"), None, most=100, unit="MB")
        found = line(alone, {"a": [{"peak_mb": 40}, {"peak_mb": 50}, {"peak_mb": 45}]})
        self.assertEqual((found["value"], found["state"], found["aim"]), (45, "met", "≤ 100 MB"))
        self.assertNotIn("peer", found)

    def test_a_figure_without_an_aim_is_neither_met_nor_missed(self):
        part = Aim("a bare request", ("a", "cpu_ms"), ("b", "cpu_ms"), unit="ms")
        found = line(part, {"a": [{"cpu_ms": 0.6}], "b": [{"cpu_ms": 0.2}]})
        self.assertAlmostEqual(found["value"], 3)
        self.assertEqual((found["state"], found["aim"]), ("no aim: it says what a part takes", "-"))

    def test_the_bound_of_three_round_trips_is_a_third_of_the_rate_of_one(self):
        bound = Aim("purchases", ("a", "rate"), ("b", "rate"), least=0.8, factor=1 / 3)
        found = line(bound, {"a": rates(900), "b": rates(3000)})
        self.assertAlmostEqual(found["value"], 0.9)
        self.assertAlmostEqual(found["peer"], 1000)

    def test_what_the_machine_lacks_is_skipped_by_name(self):
        found = line(RATE, {}, lacking=lambda trial: "wrk is not installed" if trial == "b" else None)
        self.assertEqual(found["state"], "skipped: wrk is not installed")
        self.assertIn("wrk is not installed", keep.text([found]))

    def test_what_failed_is_not_measured_and_says_why(self):
        found = line(RATE, {"a": rates(1), "b": [None]}, {"b": "stock and rows differ"})
        self.assertEqual(found["state"], "not measured: stock and rows differ")
        found = line(RATE, {"a": rates(3, 3), "b": [None, {"rate": 1}]}, {"b": "stock and rows differ"})
        self.assertEqual(found["state"], "not measured in 1 of 2 rounds; else met")

    def test_a_round_that_lab_bench_found_disturbed_counts_and_is_told(self):
        found = line(RATE, {"a": [{"rate": 3, "disturbed": 1}, {"rate": 3, "disturbed": 0}], "b": rates(1, 1)})
        self.assertEqual(found["state"], "met (in 1 of 2 rounds lab-bench found the machine not quiet)")

    def test_every_trial_of_a_row_has_who_runs_it(self):
        kinds = Trials(pathlib.Path("."), None, pathlib.Path("."), 1).kinds
        for row in ROWS:
            self.assertTrue(any(aim.has_limit for aim in row.aims), row.name)
            for aim in row.aims:
                self.assertTrue(aim.least is None or aim.most is None, row.name)
                for trial in aim.trials:
                    self.assertIn(trial.partition(" ")[0], kinds)

    def test_a_trial_says_what_it_needs(self):
        self.assertEqual(needs("go lua"), ["wrk", "go"])
        self.assertEqual(needs("quiet go"), ["go"])
        self.assertEqual(needs("quiet own"), [])
        self.assertEqual(needs("ledger before"), ["--against"])

    def test_no_path_of_the_machine_is_kept(self):
        words = ["--programs", "/a", "--rounds", "5", "--against=/b", "--go=/c", "--output", "/d", "--seconds", "2"]
        self.assertEqual(keep.without_places(words), ["--rounds", "5", "--against", "FOLDER", "--seconds", "2"])
        self.assertEqual(keep.without_places(["--against", "/b"]), ["--against", "FOLDER"])


class Audit(unittest.TestCase):
    """`rows` purchases stand in the ledger, and the stock says that `taken` units were sold."""

    def audit(self, rows, taken, answered):
        with tempfile.TemporaryDirectory() as folder:
            shop = types.SimpleNamespace(kind="planted", product=1, tokens=["t"], audit_tries=1,
                                         database=os.path.join(folder, "shop.sqlite"))
            shop.call = lambda *words, **more: (200, {"current_stock": STOCK - taken})
            with sqlite3.connect(shop.database) as database:
                database.execute("CREATE TABLE purchases (quantity INTEGER)")
                database.executemany("INSERT INTO purchases VALUES (?)", [(1,)] * rows)
            Shop.audit(shop, answered, 5)

    def test_agrees_when_all_three_agree_but_for_answers_that_were_dropped(self):
        self.audit(10, 10, 10)
        self.audit(15, 15, 10)

    def test_finds_a_unit_too_many_and_an_answer_without_a_row(self):
        for rows, taken, answered in ((10, 9, 10), (10, 11, 10), (9, 9, 10), (16, 16, 10)):
            with self.assertRaises(Failure):
                self.audit(rows, taken, answered)


if __name__ == "__main__":
    unittest.main()
