"""The benchmarks: each name is a program that starts, and the table judges a figure as it says. Nothing is measured."""

import subprocess
import sys

import pytest

from bench.__main__ import NAMES, OWN_PRINT, USUAL
from bench.table import Row, at_least, at_most, median, percentile, show
from tests.live import ROOT

LOAD = """
import importlib, sys
for name in sys.argv[1:]:
    module = importlib.import_module(f"bench.{name}")
    print(name, *(what for what in ("run", "main") if callable(getattr(module, what, None))))
"""


def test_every_name_is_a_program_that_gives_rows_or_prints_by_itself():
    done = subprocess.run([sys.executable, "-c", LOAD, *NAMES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    offered = {name: what for name, *what in map(str.split, done.stdout.splitlines())}
    assert [name for name in NAMES if ("main" if name in OWN_PRINT else "run") not in offered[name]] == []


def test_those_that_run_unasked_give_rows():
    assert set(USUAL) | set(OWN_PRINT) <= set(NAMES)
    assert not set(USUAL) & set(OWN_PRINT)


def test_an_unknown_name_is_refused_with_those_that_there_are():
    refused = subprocess.run([sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2 and "ingest" in refused.stderr


@pytest.mark.parametrize(
    ("row", "measured", "goal", "met"),
    [
        (at_least("rate", 0.6, 0.6), "0.60 ×", "≥ 0.60 ×", True),
        (at_least("rate", 0.59, 0.6), "0.59 ×", "≥ 0.60 ×", False),
        (at_most("wait", 50.0, 50.0, "ms"), "50.0 ms", "≤ 50.0 ms", True),
        (at_most("wait", 50.1, 50.0, "ms", " (p95)"), "50.1 ms (p95)", "≤ 50.0 ms", False),
        (at_most("memory", 1234.5, 2000, "MB"), "1,234 MB", "≤ 2,000 MB", True),
    ],
)
def test_a_figure_stands_beside_its_goal_and_is_judged(row, measured, goal, met):
    assert (row.measured, row.goal, row.met) == (measured, goal, met)


def test_the_table_says_which_goals_were_missed_and_leaves_the_rest_unjudged():
    shown = show([Row("a", "1"), Row("b", "2", "≥ 1", True), Row("c", "3", "≤ 1", False)]).splitlines()
    assert shown[2:] == ["| a | 1 |  |  |", "| b | 2 | ≥ 1 | met |", "| c | 3 | ≤ 1 | **missed** |"]


def test_percentiles_are_values_that_were_measured():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert (percentile(values, 0.0), percentile(values, 0.5), percentile(values, 1.0)) == (1.0, 3.0, 5.0)
    assert (median(values), median([1.0, 2.0])) == (3.0, 1.5)
