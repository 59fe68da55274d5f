"""The model against cases whose answers are known."""
import unittest

from model import Demand, Simulation, scalability, shared_cost


def rate(servers, buyers, products=1, shared=None, **parts):
    demand = dict(
        load=0, server=0, redis=0, postgres=0, server_transaction=0, postgres_transaction=0, commit=1e-6)
    demand.update(parts)
    return Simulation(Demand(**demand), servers, buyers, products, shared).run(0.1, 1.0)


class ModelTests(unittest.TestCase):
    def near(self, value, wanted):
        self.assertLess(abs(value / wanted - 1), 0.05, f"{value} is not {wanted}")

    def test_redis_is_one_core_for_all_servers(self):
        self.near(rate(4, 40, redis=1e-4)["rate"], 10_000)

    def test_a_server_has_cores_of_its_own(self):
        self.near(rate(1, 40, server=2e-4)["rate"], 10_000)
        self.near(rate(2, 80, server=2e-4)["rate"], 20_000)

    def test_on_shared_cores_the_demands_add_up(self):
        self.near(rate(2, 40, shared=1, load=2e-5, server=5e-5, redis=1e-5, postgres=2e-5)["rate"], 10_000)

    def test_one_product_has_one_transaction_at_a_time(self):
        self.near(rate(1, 1, commit=1e-3)["rate"], 1000)
        self.near(rate(2, 2, commit=1e-3)["rate"], 1000)

    def test_sales_that_wait_share_a_transaction(self):
        # While a transaction is written, the buyers of the one before buy again: half of them are in each.
        self.near(rate(1, 50, commit=1e-3)["rows_per_commit"], 25)
        self.assertLessEqual(rate(1, 500, commit=1e-3)["rows_per_commit"], 100)

    def test_products_of_their_own_do_not_wait_for_each_other(self):
        self.near(rate(2, 2, products=1_000_000, commit=1e-3)["rate"], 2000)

    def test_a_transaction_costs_once_what_its_sales_share(self):
        self.near(rate(1, 1, postgres_transaction=1e-3)["rate"], 1000)
        found = rate(1, 50, server_transaction=1e-3)
        self.near(found["rate"], found["rows_per_commit"] * 1000)

    def test_the_parts_of_a_cost_are_told_apart_by_the_length_of_transactions(self):
        one, many = ({"rows_per_commit": rows, "us": 30 + 600 / rows} for rows in (40, 12))
        each, transaction = shared_cost(one, many, "us")
        self.near(each, 30)
        self.near(transaction, 600)

    def test_the_law_is_found_again(self):
        points = [(n, 1000 * n / (1 + 0.1 * (n - 1) + 0.01 * n * (n - 1))) for n in (1, 2, 4, 8, 16)]
        law = scalability(points)
        self.near(law["per_server"], 1000)
        self.near(law["contention"], 0.1)
        self.near(law["coherency"], 0.01)
        self.near(law["best"], 90 ** 0.5)

    def test_a_rate_that_only_rises_has_no_best_number(self):
        self.assertIsNone(scalability([(n, 1000 * n / (1 + 0.1 * (n - 1))) for n in (1, 2, 4, 8)])["best"])


if __name__ == "__main__":
    unittest.main()
