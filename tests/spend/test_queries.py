"""Groups, limits, buckets, coverage and what is refused; that the sums are right is tested in test_exactness.py."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Attribution, Label
from costwatch.ledger.record import record
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.sums import Sums, add
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
EVER = SpendFilter(EARLIEST, LATEST)
DAYS = SpendFilter(NOW - timedelta(days=20), NOW + timedelta(days=20))


def costs(answer, *dimensions):
    return [(*(g.values[d] for d in dimensions), g.sums.cost) for g in answer.groups]


@pytest.fixture
def agents(workspace):
    """Agents a0 (cheapest) to a9 on two days; the second day not folded."""
    record(workspace.lane, [entry(agent_id=f"a{n}", cost=str(n)) for n in range(10)])
    fold_all()
    record(workspace.lane, [entry(agent_id=f"a{n}", cost="0.5", minutes=24 * 60) for n in range(10)])


def test_without_grouping_there_is_one_group_that_is_the_total(workspace, agents):
    answer = query(workspace, EVER)
    assert [g.values for g in answer.groups] == [{}]
    assert answer.groups[0].sums == answer.total
    assert (answer.total.cost, answer.total.events) == (50, 20)


def test_nothing_spent_is_no_group_and_a_total_of_zero(workspace):
    answer = query(workspace, EVER, ["agent"])
    assert (answer.groups, answer.total) == ([], Sums())


def test_groups_come_dearest_first(workspace, agents):
    assert costs(query(workspace, EVER, ["agent"]), "agent")[:2] == [("a9", Decimal("9.5")), ("a8", Decimal("8.5"))]


def test_the_limit_keeps_the_dearest_and_joins_the_rest(workspace, agents):
    answer = query(workspace, EVER, ["agent"], limit=3)
    assert costs(answer, "agent") == [("a9", Decimal("9.5")), ("a8", Decimal("8.5")), ("a7", Decimal("7.5")),
                                      (None, Decimal("24.5"))]  # fmt: skip
    assert [g.other for g in answer.groups] == [False, False, False, True]
    assert add(g.sums for g in answer.groups) == answer.total == query(workspace, EVER).total


def test_a_limit_that_cuts_nothing_off_makes_no_other(workspace, agents):
    assert not any(g.other for g in query(workspace, EVER, ["agent"], limit=10).groups)


@pytest.mark.parametrize("bucket", ["none", "day"])
def test_another_measure_than_cost_can_decide_what_is_kept(workspace, bucket):
    many = [entry(agent_id="many", cost="0.01", requests=50), entry(agent_id="dear", cost="9")]
    record(workspace.lane, [*many, entry(agent_id="rare", cost="1")])
    answer = query(workspace, DAYS, ["agent"], bucket, limit=1, rank="calls")
    assert [(g.values["agent"], g.sums.calls) for g in answer.groups] == [("many", 50), (None, 2)]


def test_in_buckets_the_dearest_over_all_of_them_are_kept(workspace, agents):
    answer = query(workspace, DAYS, ["agent"], "day", limit=2)
    by_day = [(g.bucket, g.values["agent"], g.sums.cost) for g in answer.groups]
    first, second = datetime(2026, 11, 17, 23, tzinfo=UTC), datetime(2026, 11, 18, 23, tzinfo=UTC)
    assert by_day == [(first, "a9", 9), (first, "a8", 8), (first, None, 28),
                      (second, "a9", Decimal("0.5")), (second, "a8", Decimal("0.5")), (second, None, 4)]  # fmt: skip
    assert answer.total.cost == 50


def test_equal_cost_is_ordered_by_calls_and_then_always_the_same(workspace):
    record(workspace.lane, [entry(agent_id=f"a{n}", cost="1", requests=1 + n // 3) for n in range(9)])
    order = costs(query(workspace, EVER, ["agent"]), "agent")
    assert [name for name, _ in order][:3] == ["a6", "a7", "a8"]
    assert costs(query(workspace, EVER, ["agent"], limit=4), "agent")[:4] == order[:4]


def test_what_is_not_attributed_is_a_group_of_its_own_and_can_be_asked_for(workspace):
    record(workspace.lane, [entry(agent_id=None, cost="1", tags={"team": "ops"}), entry(cost="2")])
    assert costs(query(workspace, EVER, ["agent"]), "agent") == [("triage", 2), ("", 1)]
    assert costs(query(workspace, EVER, ["tag.team"]), "tag.team") == [("", 2), ("ops", 1)]
    assert query(workspace, EVER.with_value("agent", "")).total.cost == 1
    assert query(workspace, SpendFilter(EARLIEST, LATEST, {}, {"agent": ("",)})).total.cost == 2


def test_a_group_leads_to_its_own_sum_when_filtered_by(workspace, agents):
    for group in query(workspace, EVER, ["agent", "model"]).groups:
        narrowed = EVER.with_value("agent", group.values["agent"]).with_value("model", group.values["model"])
        assert query(workspace, narrowed).total == group.sums


@pytest.mark.parametrize("folded", [True, False])
def test_keys_are_grouped_and_filtered_by_their_names(workspace, folded):
    one, two, twin = (create_key(workspace, name, ["ingest"])[0] for name in ("gateway", "batch", "gateway"))
    record(workspace.lane, [entry(api_key_id=k and k.pk, cost=str(2**n)) for n, k in enumerate((one, two, twin, None))])
    if folded:
        fold_all()
    assert costs(query(workspace, EVER, ["key"]), "key") == [("", 8), ("gateway", 5), ("batch", 2)]
    assert costs(query(workspace, EVER, ["key", "agent"]), "key", "agent")[1] == ("gateway", "triage", 5)
    assert query(workspace, EVER.with_value("key", "gateway")).total.cost == 5
    assert query(workspace, EVER.with_value("key", "")).total.cost == 8


def test_other_workspaces_see_nothing_of_it(workspace, agents):
    other = Workspace.objects.create(name="Other")
    record(other.lane, [entry(agent_id="a9", cost="1000")])
    assert query(other, EVER.with_value("agent", "a8")).total == Sums()
    assert query(other, EVER, ["agent"]).total.cost == 1000
    assert query(workspace, EVER.with_value("agent", "a9")).total.cost == Decimal("9.5")


def test_coverage_follows_the_filter(workspace):
    record(workspace.lane, [
        entry(cost="97"), entry(agent_id="b", cost=None, upper_bound=Decimal(3), requests=2),
        entry(cost=None, cost_source=6, input_tokens=None),
    ])  # fmt: skip
    total = query(workspace, EVER).total
    assert (total.calls, total.priced_calls, total.unpriced_calls, total.unknown_calls) == (4, 1, 2, 1)
    assert (total.upper_bound, total.priced_share) == (3, Decimal("0.97"))
    assert query(workspace, EVER.with_value("agent", "triage")).total.priced_share == 1
    assert query(workspace, EVER.with_value("agent", "b")).total.priced_share == 0


def test_what_a_correction_takes_away_entirely_is_no_group_any_more(workspace):
    record(
        workspace.lane, [entry(agent_id="wrong", cost="1", input_tokens=10, output_tokens=1), entry(agent_id="right")]
    )
    wrong = Attribution.objects.get(agent_id=Label.objects.get(value="wrong").pk)
    all_of_it = {"events": -1, "calls": -1, "cost": Decimal(-1), "input_tokens": -10, "output_tokens": -1}
    adjust(workspace.lane, [Adjustment(NOW, wrong.pk, all_of_it, "sent by mistake")])
    for _ in range(2):
        assert [g.values["agent"] for g in query(workspace, EVER, ["agent"]).groups] == ["right"]
        fold_all()


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE run; --", "%s", "{}", "\\", "a\tb", "🙂" * 50, "x" * 5000, "agent'||'"]
)
def test_hostile_values_are_values(workspace, agents, value):
    record(workspace.lane, [entry(agent_id=value[:200], tags={value[:60]: value[:200]})])
    assert query(workspace, EVER.with_value("agent", value[:200])).total.events == 1
    assert query(workspace, EVER.with_value(f"tag.{value[:60]}", value[:200]), [f"tag.{value[:60]}"]).total.events == 1
    assert query(workspace, EVER.with_value("agent", value + "?")).total.events == 0
    assert query(workspace, EVER.with_value("run", value), ["user"]).total.events == 0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"group_by": ["password"]}, "group_by"),
        ({"group_by": ["agent_id; DROP TABLE run"]}, "group_by"),
        ({"group_by": [f"tag.{n}" for n in range(9)]}, "group_by"),
        ({"bucket": "fortnight"}, "bucket"),
        ({"bucket": "day')--"}, "bucket"),
        ({"bucket": "15m"}, "bucket"),
        ({"time_zone": "/etc/localtime"}, "tz"),
    ],
)
def test_what_cannot_be_answered_is_refused(workspace, options, field):
    with pytest.raises(BadQuery) as refusal:
        query(workspace, EVER, **options)
    assert refusal.value.field == field


def test_a_dimension_named_twice_is_grouped_by_once(workspace, agents):
    assert len(query(workspace, EVER, ["agent"] * 500).groups) == 10


def test_the_answer_says_what_was_asked(workspace):
    answer = query(workspace, DAYS, time_zone="Asia/Kathmandu")
    assert (answer.start, answer.end, answer.time_zone) == (DAYS.start, DAYS.end, "Asia/Kathmandu")
    assert query(workspace, DAYS).time_zone == "Europe/Berlin"


@pytest.mark.parametrize("bucket", ["none", "day"])
@pytest.mark.parametrize("group_by", [(), ("agent",)])
def test_asked_for_some_measures_the_answer_holds_them_and_no_others(workspace, agents, group_by, bucket):
    whole = query(workspace, DAYS, group_by, bucket, limit=4)
    part = query(workspace, DAYS, group_by, bucket, limit=4, measures=("calls", "cost"))
    told = [(g.values, g.bucket, g.other, g.sums.calls, g.sums.cost) for g in whole.groups]
    assert [(g.values, g.bucket, g.other, g.sums.calls, g.sums.cost) for g in part.groups] == told
    assert (part.total.cost, part.total.calls) == (whole.total.cost, whole.total.calls)
    assert {g.sums.input_tokens for g in part.groups} == {None} == {part.total.events}


def test_measures_that_were_not_asked_for_cannot_be_taken_for_zero(workspace, agents):
    answer = query(workspace, DAYS, ("agent",), measures=("cost",))
    with pytest.raises(TypeError):
        answer.groups[0].sums.errors + answer.groups[1].sums.errors
