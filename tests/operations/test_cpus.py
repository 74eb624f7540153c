"""Web processes keep to a CPU each, where there are as many of both."""

import json
import os
import subprocess
import sys

import pytest

CPUS = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
FORKS = f"""
import json, multiprocessing, os, time
from costwatch.up.cpus import one_each

fork = multiprocessing.get_context("fork")
os.sched_setaffinity(0, {CPUS})

def begin():
    child = fork.Process(target=time.sleep, args=(60,), daemon=True)
    child.start()
    return child

def cpus(*children):
    return [sorted(os.sched_getaffinity(child.pid)) for child in children]

one_each({{processes}})
first, second = begin(), begin()
told = cpus(first, second)
first.kill()
first.join()
third = begin()
fourth = begin()  # while its predecessor still runs, as in a graceful restart
second.kill()
second.join()
print(json.dumps([*told, *cpus(third, fourth), sorted(os.sched_getaffinity(0))]))
"""

pytestmark = pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")


def kept(processes: int) -> list[list[int]]:
    """The CPUs of two children, of one begun when the first had died, of one beside these two, and of the parent."""
    code = FORKS.format(processes=processes)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    told: list[list[int]] = json.loads(done.stdout)
    return told


def test_each_keeps_to_one_and_a_successor_to_the_one_that_became_free():
    first, second, third, _, parent = kept(2)
    assert [first, second, third] == [[CPUS[0]], [CPUS[1]], [CPUS[0]]]
    assert parent == CPUS


def test_a_successor_that_is_begun_before_its_predecessor_ends_takes_the_cpu_given_longest_ago():
    assert kept(2)[3] == [CPUS[1]]


def test_where_there_are_more_processes_or_fewer_all_run_anywhere():
    assert kept(1) == kept(3) == [CPUS] * 5
