"""Whatever happens to the books, in whichever order: they say what plain addition says, and closed months stand."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from costwatch.accounts.models import Workspace
from costwatch.ledger import months, sheets
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold, rebuild
from costwatch.ledger.models import ClosedMonth, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.ledger.verify import verify
from costwatch.pricing import book
from costwatch.pricing.models import PriceComponent, PriceLine, PriceVersion
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
FIRST, LAST = datetime(2025, 9, 28, tzinfo=UTC), datetime(2025, 12, 4, tzinfo=UTC)
WHOLE = SpendFilter(FIRST - timedelta(days=9), LAST + timedelta(days=9))
MONTHS = [date(2025, 9, 1), date(2025, 10, 1), date(2025, 11, 1)]
ZONES = ["Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC"]
MODEL = "any-history"
numbers = count(1)

event = st.fixed_dictionaries({
    # near the ends of the months and of Berlin's summer, and anywhere
    "timestamp": st.one_of(
        st.datetimes(datetime(2025, 10, 31, 12), datetime(2025, 11, 1, 12), timezones=st.just(UTC)),
        st.datetimes(datetime(2025, 10, 25, 21), datetime(2025, 10, 26, 3), timezones=st.just(UTC)),
        st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC)),
    ),
    "agent_id": st.sampled_from([None, "a", "b"]),
    "user_id": st.sampled_from([None, "u", "v"]),
    "run_id": st.sampled_from([None, "r", "s"]),
    "input_tokens": st.integers(0, 50).map(lambda n: n * 1000),
})  # fmt: skip


@dataclass
class Fact:
    """An amount and when it counts."""

    at: datetime
    agent: str
    user: str
    cost: Decimal
    calls: int = 0


@dataclass
class Kept:
    """An event as the model knows it."""

    at: datetime
    agent: str
    user: str
    tokens: int
    cost: Decimal


class Books(RuleBasedStateMachine):
    """One workspace's books, and the list of amounts that they should be the sum of."""

    def __init__(self):
        super().__init__()
        self.workspace = Workspace.objects.create(name=f"W {next(numbers)}", time_zone="Europe/Berlin")
        self.lane = self.workspace.lane
        self.events, self.facts, self.closed = {}, [], {}

    def counts_at(self, at):
        """When an amount of that time counts: at the first open instant where its month is closed."""
        return max([at, *(end for _, end, _ in self.closed.values())])

    def spent(self, start, end):
        return sum((fact.cost for fact in self.facts if start <= fact.at < end), Decimal(0))

    @rule(batch=st.lists(event, min_size=1, max_size=4), again=st.booleans())
    def calls_come_in(self, batch, again):
        made = [entry(cost=str(Decimal(e["input_tokens"]) / 10**6), model=MODEL, output_tokens=0, **e) for e in batch]
        assert record(self.lane, made) == []
        if again:
            assert record(self.lane, made) == [*range(len(made))]
        for e in made:
            agent, user = e.agent_id or "", e.user_id or ""
            self.events[e.event_id] = Kept(e.timestamp, agent, user, e.input_tokens, e.cost)
            self.facts.append(Fact(self.counts_at(e.timestamp), agent, user, e.cost, 1))

    @rule(most=st.integers(1, 3))
    def some_batches_are_folded(self, most):
        fold(most_batches=most)

    @rule()
    def days_get_sheets(self):
        sheets.make(100, enough_events=1)

    @rule(name=st.sampled_from(ZONES))
    def the_zone_is_changed(self, name):
        Workspace.objects.filter(pk=self.workspace.pk).update(time_zone=name)
        self.workspace.time_zone = name
        rebuild(self.lane)

    @precondition(lambda self: self.events)
    @rule(data=st.data(), cents=st.integers(-500, 500))
    def somebody_gets_a_credit(self, data, cents):
        event_id = data.draw(st.sampled_from(sorted(self.events)))
        known, amount = self.events[event_id], Decimal(cents).scaleb(-2)
        row = UsageEvent.objects.get(lane=self.lane, event_id=event_id)
        at = self.counts_at(known.at)
        measures = {"cost": amount}
        adjust(self.lane, [Adjustment(at, row.attribution_id, measures, "credit", end_user_id=row.end_user_id)])
        self.facts.append(Fact(at, known.agent, known.user, amount))

    @rule(usd=st.integers(1, 4))
    def the_past_is_priced_anew(self, usd):
        line, new = PriceLine.objects.get_or_create(provider="openai", model=MODEL)
        if new:
            version = PriceVersion.objects.create(line=line)
            for unit in ("input", "output"):
                PriceComponent.objects.create(version=version, unit=unit, price=usd, per=1_000_000)
        PriceComponent.objects.filter(version__line=line).update(price=usd)
        before = {event_id: known.cost for event_id, known in self.events.items()}
        found = reprice(self.lane, WHOLE.start, WHOLE.end, book.load(LAST), apply=True)
        carried = Decimal(0)
        for event_id, known in self.events.items():
            known.cost = Decimal(known.tokens * usd) / 10**6
            at, difference = self.counts_at(known.at), known.cost - before[event_id]
            carried += difference if at > known.at else 0
            self.facts.append(Fact(at, known.agent, known.user, difference))
        total = sum(known.cost for known in self.events.values())
        assert (found.events, found.new - found.old) == (len(self.events), total - sum(before.values()))
        assert found.carried == carried

    @precondition(lambda self: len(self.closed) < len(MONTHS))
    @rule(skip=st.booleans())
    def a_month_is_closed(self, skip):
        left = [month for month in MONTHS if month > max(self.closed, default=date(2025, 8, 1))]
        if not left:
            return
        month = left[min(skip, len(left) - 1)]
        zone = ZoneInfo(self.workspace.time_zone)
        after = (month + timedelta(days=31)).replace(day=1)
        start, end = (datetime(d.year, d.month, 1, tzinfo=zone).astimezone(UTC) for d in (month, after))
        closed = months.close(self.workspace, month, "Ada", datetime(2026, 3, 1, tzinfo=UTC))
        self.closed[month] = (start, end, self.spent(start, end))
        assert (closed.start, closed.end, closed.cost) == self.closed[month]

    @precondition(lambda self: self.closed)
    @rule()
    def the_last_month_is_opened_again(self):
        last = max(self.closed, key=lambda month: self.closed[month][1])
        months.reopen(self.workspace, last, "Ada")
        del self.closed[last]

    @invariant()
    def every_sum_is_that_of_the_amounts(self):
        zone = ZoneInfo(self.workspace.time_zone)
        days, users = defaultdict(Decimal), defaultdict(Decimal)
        for fact in self.facts:
            days[fact.agent, fact.at.astimezone(zone).date()] += fact.cost
            users[fact.user] += fact.cost
        found = query(self.workspace, WHOLE, ["agent"], "day")
        assert {(g.values["agent"], g.bucket.astimezone(zone).date()): g.sums.cost
                for g in found.groups if g.sums.cost} == {key: cost for key, cost in days.items() if cost}  # fmt: skip
        assert found.total.calls == len(self.events)
        by_user = query(self.workspace, WHOLE, ["user"]).groups
        assert {g.values["user"]: g.sums.cost for g in by_user if g.sums.cost} == {
            user: cost for user, cost in users.items() if cost
        }

    @invariant()
    def closed_months_say_what_they_said(self):
        kept = {row.month: (row.start, row.end, row.cost) for row in ClosedMonth.objects.filter(lane=self.lane)}
        assert kept == self.closed
        for start, end, cost in self.closed.values():
            assert query(self.workspace, SpendFilter(start, end)).total.cost == cost == self.spent(start, end)

    def teardown(self):
        report = verify(deep=True)
        assert report.ok, report.differences


def test_the_books_are_right_whatever_happens_to_them_in_whichever_order():
    book.forget()
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=8, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    book.forget()
