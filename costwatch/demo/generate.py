"""The history of the demo's company and how it goes on: the same calls for the same end, zone and seed. Pure.

Each hour is drawn by itself, so that any part of the time can be had without the rest: the history when an installation
is filled, and every few seconds the calls that have become due since.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from costwatch.demo import calls, company, traffic
from costwatch.demo.calls import Event
from costwatch.demo.company import Agent

HOUR = timedelta(hours=1)
LONGEST_RUN = 2 * HOUR  # a run that began earlier has ended
RUNAWAY_BEGAN = timedelta(minutes=49)  # before the end
_TASKS = traffic.Weighted([weight for _, weight in company.TASKS])
_CUSTOMERS = traffic.clients(len(company.CUSTOMERS))


@dataclass(frozen=True)
class Story:
    """`end`: the moment up to which history is made; everything that happens is counted back from it."""

    end: datetime
    zone: ZoneInfo
    seed: int = 1

    @property
    def start(self) -> datetime:
        """The local midnight with which the first of the whole days begins."""
        return self.midnight(self.end.astimezone(self.zone).date() - timedelta(days=company.DAYS))

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def days_before_end(self, at: datetime) -> float:
        return (self.end - at) / timedelta(days=1)


def generate(now: datetime, seed: int = 1, zone: str = company.TIME_ZONE) -> Iterator[list[Event]]:
    """The calls of the last 60 days up to `now`, a local day at a time, newest day first; each day in order of time."""
    story = Story(now, ZoneInfo(zone), seed)
    day = now.astimezone(story.zone).date()
    while story.midnight(day) >= story.start:
        yield between(story, story.midnight(day), min(now, story.midnight(day + timedelta(days=1))))
        day -= timedelta(days=1)


def between(story: Story, start: datetime, end: datetime) -> list[Event]:
    """The calls in [start, end), in order of time."""
    hour = (start - LONGEST_RUN).replace(minute=0, second=0, microsecond=0)
    found = []
    while hour < end:
        found += [event for event in begun_in(story, hour) if start <= event["timestamp"] < end]
        hour += HOUR
    if start <= story.end and story.end - RUNAWAY_BEGAN < end:
        found += [event for event in _runaway(story) if start <= event["timestamp"] < min(end, story.end)]
    return sorted(found, key=lambda event: (event["timestamp"], event["event_id"]))


def begun_in(story: Story, hour: datetime) -> Iterator[Event]:
    """The calls of everything that begins in this hour."""
    dice = Random(f"{story.seed} {hour.astimezone(UTC):%Y-%m-%dT%H}")  # noqa: S311 - not for secrets
    local = hour.astimezone(story.zone)
    days = story.days_before_end(hour)
    weekend = local.weekday() >= 5
    trend = (1 + company.GROWTH * (0.5 - days / company.DAYS)) * traffic.day_weight(local.toordinal())
    busy = trend * traffic.hour_weights("consumer")[local.hour] / 24
    tickets = busy * company.TICKETS * (company.TICKETS_WEEKEND if weekend else 1)
    for at in _moments(dice, hour, tickets):
        yield from _ticket(dice, story, at)
    for at in _moments(dice, hour, busy * company.LEGACY_CALLS * (company.LEGACY_WEEKEND if weekend else 1)):
        yield calls.plain(dice, *company.LEGACY, at)
    for agent, per_day, at_weekend in company.OFFICE_RUNS:
        count = per_day * trend * traffic.hour_weights("office")[local.hour] / 24 * (at_weekend if weekend else 1)
        for at in _moments(dice, hour, count * _spike(story, agent, local.date())):
            yield from _office_run(dice, story, agent, at)


def _moments(dice: Random, hour: datetime, expected: float) -> list[datetime]:
    """When in the hour something begins, so many times on average."""
    count = int(expected + dice.random())
    return sorted(hour + timedelta(seconds=dice.random() * 3600) for _ in range(count))


def _spike(story: Story, agent: Agent, day: date) -> float:
    """All quarter's figures are computed again on one working day."""
    chosen = story.end.astimezone(story.zone).date() - timedelta(days=company.REPORT_SPIKE)
    while chosen.weekday() >= 5:
        chosen -= timedelta(days=1)
    return 2.8 if agent is company.REPORTS and day == chosen else 1.0


def _ticket(dice: Random, story: Story, at: datetime) -> Iterator[Event]:
    """One question of a customer's customer: sorted, mostly looked up, sometimes thought about."""
    customer = _CUSTOMERS.draw(dice)
    labels: Event = {
        "session_id": calls.name(dice, "s"), "user_id": user(dice, customer),
        "task": company.TASKS[_TASKS.draw(dice)][0],
        "environment": "staging" if dice.random() < company.STAGING else "prod",
    }  # fmt: skip
    if dice.random() >= company.UNATTRIBUTED_CUSTOMER:
        labels["tags"] = {"customer": company.CUSTOMERS[customer]}
    if dice.random() < company.TRANSLATED:
        yield calls.plain(dice, "mistral", "mistral-large-4", at, agent_id="triage", **labels)
        at += timedelta(seconds=dice.uniform(1, 4))
    last = None
    for agent, share in (
        (company.TRIAGE, 1),
        (company.LOOKUP, company.LOOKUPS),
        (company.REASONING, company.ESCALATED),
    ):
        if dice.random() >= share:
            continue
        made = calls.run(dice, agent, agent.era(story.days_before_end(at)), at, {**labels, **(last or {})})
        if agent is company.LOOKUP and dice.random() < company.EMBEDDED:
            yield calls.embedding(dice, at - timedelta(milliseconds=250), made[0])
        yield from made
        last, at = {"parent_id": made[-1]["run_id"]}, made[-1]["timestamp"] + timedelta(seconds=dice.uniform(4, 20))


def _office_run(dice: Random, story: Story, agent: Agent, at: datetime) -> list[Event]:
    days = story.days_before_end(at)
    era = agent.era(days)
    labels: Event = {"task": agent.tasks[traffic.Weighted([w for _, w in agent.tasks]).draw(dice)][0]}
    if agent is company.CODE_REVIEW:
        labels |= {"user_id": f"dev-{int(24 * dice.random() ** 1.6) + 1:02}", "environment": "ci"}
    else:
        customer = _CUSTOMERS.draw(dice)
        labels |= {"user_id": user(dice, customer), "environment": "prod",
                   "tags": {"customer": company.CUSTOMERS[customer]}, "batch": dice.random() < 0.2}  # fmt: skip
        if days < company.UNPRICED_SINCE and dice.random() < company.UNPRICED_SHARE:
            era = replace(era, model=company.UNPRICED_MODEL)
    return calls.run(dice, agent, era, at, labels)


def user(dice: Random, customer: int) -> str:
    """One of a customer's people; some ask far more often than others."""
    people = max(4, 3_000 // (customer + 2))
    number = customer * 3_001 + int(people * dice.random() ** 2.2)
    return f"u-{number * 7_919 % 889_999 + 10_000}"


def _runaway(story: Story) -> list[Event]:
    labels = {"session_id": "s-8f31c0aa17", "user_id": "u-20817", "task": "refund-check", "environment": "prod",
              "tags": {"customer": company.CUSTOMERS[0]}}  # fmt: skip
    return calls.runaway(Random(f"{story.seed} runaway"), story.end - RUNAWAY_BEGAN, labels)  # noqa: S311
