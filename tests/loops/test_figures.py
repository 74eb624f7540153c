"""The figures of the detector against a count by hand, over made-up labels and flags."""

from decimal import Decimal
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.loops.evaluate import as_dict, held_back, table
from costwatch.loops.figures import Flag, Label, measure, wilson

pytestmark = pytest.mark.thorough
KINDS = ["identical", "identical: get_order", "tool_cycle", "conversation", "orchestrator, long", None]
cents = st.integers(0, 500).map(lambda n: Decimal(n) / 100)


@st.composite
def judged(draw):
    """Labels, flags and costs of up to twelve runs; a flag and an onset lie within the run."""
    labels, flags, costs = [], {}, {}
    for number in range(draw(st.integers(0, 12))):
        run = f"r{number}"
        costs[run] = draw(st.lists(cents, min_size=1, max_size=8))
        last = len(costs[run]) - 1
        label = draw(st.sampled_from(["loop", "borderline", "clean"]))
        onset = draw(st.none() | st.integers(0, last)) if label == "loop" else None
        labels.append(Label(run, label, onset, draw(st.sampled_from(KINDS))))
        if draw(st.booleans()):
            flags[run] = Flag(draw(st.integers(0, last)), draw(st.sampled_from(["repeat", "sizes", "calls"])))
    return labels, flags, costs


@given(judged())
def test_every_run_is_counted_once_under_what_it_is_and_what_became_of_it(case):
    labels, flags, costs = case
    found = measure(labels, flags, costs)
    for label, many, hit in [
        ("loop", found.loops, found.found), ("clean", found.clean, found.false_alarms),
        ("borderline", found.borderline, found.borderline_alarms),
    ]:  # fmt: skip
        of_it = [one.run_id for one in labels if one.label == label]
        assert (many, hit) == (len(of_it), len([run for run in of_it if run in flags]))
    assert found.loops + found.clean + found.borderline == len(labels)
    assert sum(found.by_rule.values()) == len(flags)
    assert sum(many for _, many in found.by_kind.values()) == found.loops
    assert sum(hit for hit, _ in found.by_kind.values()) == found.found
    assert found.identical <= found.tool_loops <= found.loops
    assert found.identical_found <= found.tool_loops_found <= found.found


@given(judged())
def test_what_is_saved_is_what_comes_after_the_alarm_of_what_the_loop_costs(case):
    labels, flags, costs = case
    spent = saved = Decimal(0)
    for one in labels:
        if one.label != "loop" or one.onset_step is None:
            continue
        for place, cost in enumerate(costs[one.run_id]):
            if place >= one.onset_step:
                spent += cost
                flag = flags.get(one.run_id)
                saved += cost if flag and place > max(flag.index, one.onset_step) else 0
    found = measure(labels, flags, costs).dollars_saved
    assert found == (saved / spent if spent else None)


@given(judged())
def test_a_delay_counts_the_redundant_calls_up_to_the_deciding_one(case):
    labels, flags, costs = case
    delays = sorted(
        len([place for place in range(len(costs[one.run_id])) if one.onset_step <= place <= flags[one.run_id].index])
        for one in labels
        if one.label == "loop" and one.onset_step is not None and one.run_id in flags
    )
    found = measure(labels, flags, costs)
    if not delays:
        assert found.delay_median is None and found.delay_90 is None
        return
    assert found.delay_median in delays and found.delay_90 in delays
    for value, share in ((found.delay_median, 0.5), (found.delay_90, 0.9)):
        assert sum(delay <= value for delay in delays) >= share * len(delays)
        assert sum(delay < value for delay in delays) < share * len(delays) + 1


@given(st.integers(0, 3_000), st.integers(0, 3_000))
def test_the_interval_holds_the_share_and_both_ends_solve_its_equation(hits, misses):
    of = hits + misses
    low, high = wilson(hits, of)
    if not of:
        assert (low, high) == (0, 1)
        return
    share = hits / of
    assert 0 <= low <= share + 1e-12 and share - 1e-12 <= high <= 1
    for end in (low, high):  # |share − p| = 1.96 · √(p (1 − p) / n)
        if 1e-9 < end < 1 - 1e-9:
            assert isclose(abs(share - end), 1.96 * (end * (1 - end) / of) ** 0.5, rel_tol=1e-6, abs_tol=1e-9)


@given(st.integers(0, 50))
def test_more_runs_of_the_same_share_make_it_narrower(hits):
    widths = [high - low for low, high in (wilson(hits * k, 50 * k) for k in (1, 4, 16))]
    assert widths[0] > widths[1] > widths[2]


@given(judged())
def test_any_figures_make_a_table_and_plain_values(case):
    figures = measure(*case)
    text = table({"all": figures, "injected": figures})
    assert f"{figures.found}/{figures.loops} = " in text and "None" not in text
    told = as_dict(figures)
    assert told["loops"] == figures.loops
    assert told["dollars_saved"] is None or 0 <= Decimal(told["dollars_saved"]) <= 1


def test_four_runs_in_ten_are_held_back_always_the_same():
    chosen = [held_back(f"run-{n}") for n in range(5_000)]
    assert 0.37 < sum(chosen) / len(chosen) < 0.43
    assert chosen == [held_back(f"run-{n}") for n in range(5_000)]
