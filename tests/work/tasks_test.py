#!/usr/bin/env python3
"""Tests of the suite of daily work: its tasks can be read, its lists are true, and a verdict says what happened."""
import importlib.machinery
import importlib.util
import json
import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import task as tasks  # noqa: E402
from forms import Outcome  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("work_run", str(HERE / "run"))
RUN = importlib.util.module_from_spec(importlib.util.spec_from_loader("work_run", LOADER))
LOADER.exec_module(RUN)


class TasksTest(unittest.TestCase):
    def setUp(self) -> None:
        self.every = [tasks.load(path) for path in sorted(tasks.TASKS.glob("*.toml"))]

    def test_there_are_enough_and_each_checks_something(self) -> None:
        self.assertGreaterEqual(len(self.every), 40)
        self.assertGreaterEqual(sum(one.short for one in self.every), 12)
        for one in self.every:
            self.assertTrue(one.expect, one.file)
            for less in one.without:
                tasks.reduced(one.policy, less.key, less.entry)

    def test_the_short_ones_download_nothing(self) -> None:
        self.assertEqual([one.file for one in self.every if one.short and one.download], [])

    def test_the_list_of_known_failures_names_tasks(self) -> None:
        self.assertEqual(set(json.loads((HERE / "known.json").read_text())) - {one.file for one in self.every}, set())

    def test_the_documentation_has_a_row_for_each(self) -> None:
        text = (HERE.parent.parent / "docs/ordinary-work.md").read_text()
        rows = [name for row in re.findall(r"^\|(?: `\w+`,?)+ \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
        self.assertEqual(sorted(rows), [one.file for one in self.every])


class PolicyTest(unittest.TestCase):
    POLICY = {"allowed_domains": ["a.test"], "allowed_paths_exec": ["."], "max_pids": 100, "max_memory_mb": 0}

    def test_flags_and_table_say_the_same(self) -> None:
        self.assertEqual(tasks.flags(self.POLICY, lambda path: f"/w/{path}"),
                         ["--rox", "/w/.", "--allow-domain", "a.test", "--memory", "0", "--pids", "100"])
        table = tasks.policy_table(self.POLICY, lambda path: f"/w/{path}", ["/w"], [])
        self.assertIn('allowed_paths_exec = ["/w/."]\n', table)
        self.assertIn('allowed_domains = ["a.test"]\n', table)
        self.assertIn("max_memory_mb = 0\n", table)

    def test_an_entry_that_is_not_there_cannot_be_taken_out(self) -> None:
        with self.assertRaises(ValueError):
            tasks.reduced(self.POLICY, "allowed_domains", "b.test")


class VerdictTest(unittest.TestCase):
    def verdict(self, known, outcome: Outcome) -> str:
        return RUN.verdict(1, tasks.Task(file="a", name="n", run=""), {"a": known} if known else {}, outcome)[0]

    def test_a_known_failure_that_passes_is_a_failure(self) -> None:
        self.assertEqual(self.verdict("why", Outcome(["no"])), "not ok 1 a: n # todo why")
        self.assertEqual(self.verdict("why", Outcome()), "not ok 1 a: n")
        self.assertEqual(self.verdict("", Outcome()), "ok 1 a: n")
        self.assertEqual(self.verdict("", Outcome(["no"])), "not ok 1 a: n")

    def test_a_failure_can_be_known_where_a_layer_is_not_in_force(self) -> None:
        self.assertEqual(self.verdict({"limits": "why"}, Outcome(["no"])), "not ok 1 a: n")
        self.assertEqual(self.verdict({"limits": "why"}, Outcome(["no"], lacking=["limits"])), "not ok 1 a: n # todo why")
        self.assertEqual(self.verdict({"limits": "why"}, Outcome()), "ok 1 a: n")


if __name__ == "__main__":
    unittest.main()
