"""What a workspace may turn, over many made-up runs: a wider setting never finds less, and what is excepted is never
named."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

import msgspec
import pytest

from costwatch.accounts.models import Workspace
from costwatch.loops import lessons
from costwatch.loops.backtest import backtest
from costwatch.loops.models import Lesson
from costwatch.loops.state import Call, Level, Settings
from tests.loops.calls import findings, run_of, says, uses

pytestmark = pytest.mark.thorough
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOW, NORMAL, HIGH = (Settings.at(name) for name in ("low", "normal", "high"))


def made(seed: int) -> list[Call]:
    """A run of work and repeats in some mixture."""
    chance = Random(seed)
    repeats = chance.random()
    steps = []
    for number in range(chance.randrange(10, 60)):
        if chance.random() < repeats:
            steps.append(uses(chance.choice(["get_order", "search"]), 1, "same", input_error=chance.random() < 0.2))
        elif chance.random() < 0.2:
            steps.append(says(f"thinking {number % 4}", number % 3))
        else:
            steps.append(uses("get_order", number, number))
    return run_of(*steps, cost=f"{chance.random():.4f}")


RUNS = [made(seed) for seed in range(60)]


def first_alarm(calls: list[Call], settings: Settings) -> int | None:
    found = [one.number for one in findings(calls, settings) if one.level >= Level.alarm and one.rule != "retries"]
    return min(found, default=None)


def test_the_runs_hold_some_loops_and_some_that_are_none():
    flagged = [first_alarm(calls, NORMAL) is not None for calls in RUNS]
    assert 10 < sum(flagged) < len(RUNS) - 10


@pytest.mark.parametrize(("narrow", "wide"), [(LOW, NORMAL), (NORMAL, HIGH), (LOW, HIGH)])
def test_a_wider_setting_finds_all_that_a_narrow_one_finds_and_no_later(narrow, wide):
    for calls in RUNS:
        late, early = first_alarm(calls, narrow), first_alarm(calls, wide)
        if late is not None:
            assert early is not None and early <= late


def test_a_tool_that_may_repeat_is_in_no_finding():
    excepted = msgspec.structs.replace(NORMAL, repeatable_tools=frozenset({"get_order", "search"}))
    for calls in RUNS:
        tools = [one for one in calls if one.tool]
        assert first_alarm(tools, excepted) is None


def test_a_batch_is_in_no_finding():
    excepted = msgspec.structs.replace(NORMAL, batch_tasks=frozenset({"refund"}))
    for calls in RUNS:
        assert findings(calls, excepted) == []
        assert findings([msgspec.structs.replace(call, batch=True) for call in calls]) == []


def test_levels_only_rise_and_each_is_told_once_for_an_agent():
    for calls in RUNS:
        told: dict[tuple[str, str], int] = {}
        for one in findings(calls, NORMAL):
            group = (one.agent, "run" if one.about_the_run else "repeats")
            assert one.level > told.get(group, 0), "no level twice, and none below one that was told"
            told[group] = one.level


def test_two_runs_at_once_are_judged_as_each_alone():
    pairs = [(RUNS[n], RUNS[n + 1]) for n in range(0, 20, 2)]
    for one, other in pairs:
        renamed = [msgspec.structs.replace(call, run_id="q", event_id=f"q{call.event_id}") for call in other]
        both = backtest([*one, *renamed], NORMAL, NORMAL)
        alone = [backtest(calls, NORMAL, NORMAL) for calls in (one, renamed)]
        assert {d.fired.run_id for d in both.differences} == {d.fired.run_id for a in alone for d in a.differences}


def test_a_trial_of_the_same_settings_shows_no_difference_and_of_wider_ones_only_more():
    calls = [
        msgspec.structs.replace(call, run_id=f"r{n}", event_id=f"{n}.{call.event_id}", at=call.at + n * 10_000)
        for n, run in enumerate(RUNS[:25])
        for call in run
    ]
    same = backtest(calls, NORMAL, NORMAL)
    assert (same.runs, same.calls) == (25, len(calls))
    assert not same.of("new", "lost")
    # the limits that are learnt from runs that were not caught differ too: only repeats are compared
    roomy = {"calls": 100_000, "dollars": Decimal(100_000)}
    narrow, wide = (msgspec.structs.replace(settings, **roomy) for settings in (LOW, HIGH))
    there, back = backtest(calls, narrow, wide), backtest(calls, wide, narrow)
    assert {d.fired.run_id for d in there.of("new")} == {d.fired.run_id for d in back.of("lost")}
    assert [d.change for d in there.differences] == sorted(
        (d.change for d in there.differences), key="newlostsame".find
    )


@pytest.mark.django_db
class TestLessons:
    @pytest.fixture
    def workspace(self) -> Workspace:
        return Workspace.objects.create(name="Larkfield")

    def test_without_any_the_defaults_hold(self, workspace):
        found = lessons.wanted(workspace.pk)
        assert (found.sensitivity, found.gate, found.tools, found.tasks) == (
            "normal", Decimal("0.05"), frozenset(), frozenset())  # fmt: skip
        assert lessons.settings_of(workspace.pk) == Settings()

    def test_what_is_changed_holds_for_this_workspace_alone_and_is_known_then(self, workspace):
        other = Workspace.objects.create(name="Other")
        new = lessons.Wanted("high", Decimal("1.5"), frozenset({"poll"}), frozenset({"nightly", "日本"}))
        assert lessons.change(workspace.pk, new, "ann", NOW) is True
        assert lessons.change(workspace.pk, new, "bob", NOW) is False
        assert lessons.wanted(workspace.pk) == new
        assert lessons.wanted(other.pk) == lessons.wanted(0)
        settings = lessons.settings_of(workspace.pk)
        assert (settings.score, settings.gate) == (3.0, Decimal("1.5"))
        assert (settings.repeatable_tools, settings.batch_tasks) == (new.tools, new.tasks)

    def test_a_change_keeps_who_taught_what_stays_and_forgets_what_goes(self, workspace):
        lessons.teach(workspace.pk, "tool", "poll", "ann", NOW)
        lessons.teach(workspace.pk, "tool", "wait", "ann", NOW)
        new = replace(lessons.wanted(workspace.pk), tools=frozenset({"poll", "watch"}), tasks=frozenset({"nightly"}))
        lessons.change(workspace.pk, new, "bob", NOW)
        told = [(one.kind, one.value, one.taught_by) for one in lessons.of(workspace.pk)]
        assert told == [("tool", "poll", "ann"), ("tool", "watch", "bob"), ("task", "nightly", "bob")]

    def test_teaching_the_same_again_is_known(self, workspace):
        assert lessons.teach(workspace.pk, "task", "nightly", "ann", NOW) is True
        assert lessons.teach(workspace.pk, "task", "nightly", "bob", NOW) is False
        assert Lesson.objects.get().taught_by == "ann"
        with pytest.raises(ValueError):
            lessons.teach(workspace.pk, "agent", "triage", "ann", NOW)
