"""Rows of a run's table: folds hide repeats and never money."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.run_calls import Call, calls
from costwatch.dashboards.run_folds import ALL, FOLDED, HEAD, LEAST, NEW, TAIL, Fold, rows
from costwatch.dashboards.run_timeline import timeline
from tests.dashboards.page import as_read
from tests.dashboards.test_run_calls import event


def run(kinds: str, **fields) -> list[Call]:
    """A call for each letter: a small one is new, a capital one repeats; the letter is the tool and its fingerprint."""
    made = [
        event(
            f"e-{n}", 10 * n, tool=letter.lower(), call_fingerprint=letter.lower(), cost_usd=f"0.{n + 1:02}", **fields
        )
        for n, letter in enumerate(kinds)
    ]
    return calls(made, {f"e-{n}": "same call, same result" for n, letter in enumerate(kinds) if letter.isupper()})


def drawn(found) -> str:
    """The numbers of the rows, folds as 4-9."""
    return " ".join(f"{r.fold.first.number}-{r.fold.last.number}" if r.fold else str(r.call.number) for r in found)


def test_the_middle_of_a_long_stretch_of_repeats_is_one_row():
    assert drawn(rows(run("abAAAAAAAAAAc"))) == "1 2 3 4 5 6-10 11 12 13"


def test_short_stretches_stay_as_they_are():
    longest = "A" * (HEAD + LEAST + TAIL - 1)
    assert drawn(rows(run(f"a{longest}b"))) == " ".join(map(str, range(1, len(longest) + 3)))
    assert "-" in drawn(rows(run(f"a{longest}Ab")))


def test_calls_that_must_be_seen_cut_the_stretch():
    assert drawn(rows(run("a" + "A" * 20), keep=[5])) == "1 2 3 4 5 6 7 8 9-19 20 21"
    assert drawn(rows(run("a" + "A" * 20), keep=[1, 21])) == "1 2 3 4 5-19 20 21"


def test_every_call_is_a_row_where_all_are_asked_for():
    made = run("a" + "A" * 30)
    assert [row.call for row in rows(made, ALL)] == made
    assert not any(row.fold for row in rows(made, ALL))


def test_only_new_calls_hide_every_repeat():
    assert drawn(rows(run("aAbBAcc" + "A" * 9), NEW)) == "1 2-2 3 4-5 6 7 8-16"


def test_one_fold_opens_and_the_others_stay():
    made = run("a" + "A" * 9 + "b" + "B" * 9)
    assert drawn(rows(made)) == "1 2 3 4 5-8 9 10 11 12 13 14 15-18 19 20"
    opened = rows(made, opened=15)
    assert drawn(opened) == "1 2 3 4 5-8 9 10 11 12 13 14 15 16 17 18 19 20"
    assert [row.opened.words for row in opened if row.opened] == ["4 × the same call"]
    assert drawn(rows(made, opened=999)) == drawn(rows(made)), "a number that begins no fold opens none"


def test_a_fold_says_what_it_hides():
    assert Fold(run("AAAA")).words == "4 × the same call"
    assert Fold(run("ABABA")).words == "5 calls, the same 2 in turn"
    assert Fold(run("AABBA")).words == "5 calls, the same 2 again"
    assert Fold(run("ABCABC")).words == "6 calls, the same 3 again"
    assert Fold(calls([event("1"), event("2")], {})).words == "2 × a call of the same size"
    assert Fold(run("ABCD")).tools == "a, b, c, …"
    assert Fold(calls([event("1", agent_id="x"), event("2", agent_id=None)], {})).agents == ["x", "Not attributed"]


def test_a_fold_costs_what_its_calls_cost_and_says_what_is_not_known():
    known, unknown = event("1", cost_usd="0.25"), event("2", cost_usd=None)
    assert (Fold(calls([known, unknown], {})).cost, Fold(calls([known, unknown], {})).unpriced) == (Decimal("0.25"), 1)
    assert Fold(calls([unknown], {})).cost is None


@given(
    st.text("abAB", max_size=60), st.sampled_from([FOLDED, ALL, NEW]), st.sets(st.integers(1, 60)), st.integers(0, 60)
)
def test_rows_hold_every_call_once_in_order_whatever_is_folded(kinds, way, keep, opened):
    made = run(kinds)
    found = rows(made, way, sorted(keep), opened)
    assert [call for row in found for call in row.calls] == made
    assert sum((row.fold.cost if row.fold else row.call.cost) or 0 for row in found) == sum(c.cost or 0 for c in made)
    if found:
        last = found[-1].fold.last if found[-1].fold else found[-1].call
        assert last.running == sum(call.cost or 0 for call in made)
    assert all(call.repeats for row in found if row.fold for call in row.fold.calls), "what is new is never hidden"
    if way == FOLDED:
        hidden = [row.fold for row in found if row.fold]
        assert all(len(fold.calls) >= LEAST for fold in hidden)
        assert not any(call.number in keep for fold in hidden for call in fold.calls)


def test_a_fold_is_one_bar_in_time_for_each_of_its_agents():
    made = run("aAAAA", latency_ms=2000)
    fold = Fold(made[1:])
    picture = timeline(made, [made[0], *fold.drawn()])
    assert [bar.css for bar in picture.bars] == ["c-ink", "c-bad folded"]
    assert as_read(picture.bars[1].title) == "Call 2, 4 × the same call, m, $0.140, 32.0 s, calls 2 to 5"
    assert (picture.calls, picture.together) == (5, 1)
    assert "5 calls of 1 agent" in picture.sentence
    two = calls([event("1", agent_id="x"), event("2", 5, agent_id="y"), event("3", 9, agent_id="x")], {})
    assert [(call.agent, call.stands_for) for call in Fold(two).drawn()] == [("x", 2), ("y", 1)]
