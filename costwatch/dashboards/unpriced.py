"""The inbox of models without a price: what is in it, a price to begin with, and what it would come to."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Max, Min, Sum
from django.utils import timezone

from costwatch.accounts.models import Workspace
from costwatch.ledger.models import Attribution, Cut, Label, LabelKind, SpendDay
from costwatch.ledger.reprice import Repricing, reprice
from costwatch.ledger.store import StorageUnavailable
from costwatch.lib.periods import midnight, zone
from costwatch.pricing import book, listing
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import PriceVersion
from costwatch.pricing.usage import Priced, Usage
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

COUNTED_FOR = 10  # seconds
MOST_PREVIEWED = 20_000  # calls; more are counted by the worker
FIELDS = {"input": "input", "cached_input": "cache_read", "output": "output"}
CSV_HEAD = ("model", "provider", "task", "unpriced_calls", "tokens", "at_most_usd", "first_day", "last_day")
LEAST_ALIKE = 5
# words by which providers tell their dear models from their cheap ones
TIERS = frozenset({"nano", "micro", "tiny", "mini", "lite", "small", "flash", "haiku", "turbo", "medium",
                   "sonnet", "plus", "large", "pro", "opus", "max", "ultra", "premier"})  # fmt: skip
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Unpriced:
    """A model with calls that have no price; money in USD, days in the workspace's zone."""

    model: str
    provider: str
    task: str
    calls: int
    tokens: int
    at_most: Decimal
    first: date
    last: date


@dataclass(frozen=True)
class Part:
    """One part of what the calls would cost."""

    component: str
    tokens: int | Decimal
    cost: Decimal


@dataclass(frozen=True)
class DayRow:
    """A day's total before and after."""

    day: date
    calls: int
    old: Decimal
    new: Decimal
    share: Decimal  # of the largest difference

    @property
    def change(self) -> Decimal:
        return self.new - self.old


@dataclass(frozen=True)
class Preview:
    """What repricing would do; `parts` are those of the calls that the price matches."""

    found: Repricing
    matched: int
    parts: list[Part]
    days: list[DayRow]

    @property
    def change(self) -> Decimal:
        return self.found.new - self.found.old


def count(lane: int) -> int:
    """How many models have calls without a price, for the rail; at most some seconds old."""
    rows = _rows(lane).values("a").distinct()
    found: int | None = cache.get_or_set(f"unpriced:{lane}", rows.count, COUNTED_FOR)
    return found or 0


def recount(lane: int) -> None:
    """Forget the count of this process."""
    cache.delete(f"unpriced:{lane}")


def inbox(workspace: Workspace) -> list[Unpriced]:
    """All models with unpriced calls, the dearest first."""
    sums = _rows(workspace.lane).values("a").annotate(
        calls=Sum("unpriced_calls"), prompt=Sum("input_tokens"), answer=Sum("output_tokens"),
        at_most=Sum("upper_bound"), first=Min("day"), last=Max("day"))  # fmt: skip
    rows = {row["a"]: row for row in sums}
    names = dict(Label.objects.filter(pk__in=rows).values_list("pk", "value"))
    labels = _labels(workspace.lane, list(rows))
    found = [
        Unpriced(
            names[number],
            *labels.get(number, ("", "")),
            row["calls"],
            row["prompt"] + row["answer"],
            *(row[name] for name in ("at_most", "first", "last")),
        )
        for number, row in rows.items()
        if number in names
    ]
    return sorted(found, key=lambda item: (-item.at_most, -item.calls, item.model))


def csv_rows(workspace: Workspace) -> list[tuple[Any, ...]]:
    """The same with a head."""
    return [CSV_HEAD, *((item.model, item.provider, item.task, item.calls, item.tokens, item.at_most, item.first,
                         item.last) for item in inbox(workspace))]  # fmt: skip


def suggestion(item: Unpriced) -> tuple[str, dict[str, str]]:
    """(the known model of the same tier whose name is most alike, its prices for the form); ("", {}): none is alike."""
    known = listing.at(PriceVersion.objects.filter(
        line__workspace=None, line__provider=item.provider, line__variant="standard", line__schedule="",
        components__unit="output", withdrawn_at=None), timezone.now())  # fmt: skip
    model = item.model.lower()
    names = {name: pk for name, pk in known.values_list("line__model", "pk") if _alike(name, model) >= LEAST_ALIKE}
    alike = max(
        names, key=lambda name: (-len(_tiers(name) ^ _tiers(model)), _alike(name, model), -len(name)), default=""
    )
    if not alike:
        return "", {}
    prices = {c.unit: c for c in PriceVersion.objects.get(pk=names[alike]).components.filter(threshold=0)}
    values = {
        name: f"{(prices[unit].price * 1_000_000 / prices[unit].per).normalize():f}"
        for name, unit in FIELDS.items()
        if unit in prices
    }
    return alike, values


def _alike(one: str, other: str) -> int:
    """How many characters two names have in common from the beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _tiers(name: str) -> frozenset[str]:
    return TIERS.intersection(re.split("[^a-z]+", name.lower()))


def arrived(workspace: Workspace, item: Unpriced) -> bool:
    """Whether the book has a price for this model by now, and only the past calls are without one."""
    at = span(workspace, item)[1] - timedelta(seconds=1)
    call = Usage(model=item.model, provider=item.provider or None, timestamp=at, input_tokens=1, output_tokens=1)
    return book.current().for_workspace(workspace.lane).price(call).cost is not None


def span(workspace: Workspace, item: Unpriced) -> tuple[datetime, datetime]:
    """The days in which there are calls without a price."""
    tz = zone(workspace.time_zone)
    return midnight(item.first, tz), midnight(item.last + ONE_DAY, tz)


def preview(workspace: Workspace, item: Unpriced, agreement: Agreement) -> Preview | None:
    """What the calls would cost at a price that is not stored; None where they are too many to wait for."""
    if item.calls > MOST_PREVIEWED:
        return None
    counted = Counted(book.fresh().trying(workspace.lane, agreement))
    start, end = span(workspace, item)
    tz = zone(workspace.time_zone)
    try:
        found = reprice(workspace.lane, start, end, counted, models=[item.model], zone=tz)  # type: ignore[arg-type]
    except StorageUnavailable:  # the database took longer than a page may wait
        return None
    parts = [Part(name, tokens, cost) for name, (tokens, cost) in counted.parts.items()]
    return Preview(found, counted.matched, parts, days(workspace, found))


@dataclass
class Counted:
    """A book that adds up the parts of what it prices at the price that is tried out."""

    prices: book.WorkspaceBook
    matched: int = 0
    parts: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(lambda: [0, Decimal(0)]))

    def price(self, usage: Usage) -> Priced:
        """As the book itself."""
        priced = self.prices.price(usage)
        if priced.price_version == book.UNSTORED:
            self.matched += 1
            for part in self.prices.parts(usage, priced):
                sums = self.parts[part.component]
                sums[0], sums[1] = sums[0] + part.tokens, sums[1] + part.cost
        return priced


def days(workspace: Workspace, found: Repricing) -> list[DayRow]:
    """The workspace's totals of the days that change."""
    changes: dict[date, list[Any]] = {}
    for change in found.changes:
        sums = changes.setdefault(change.day, [0, Decimal(0)])
        sums[0], sums[1] = sums[0] + change.events, sums[1] + change.new - change.old
    if not changes:
        return []
    tz = zone(workspace.time_zone)
    whole = SpendFilter(midnight(min(changes), tz), midnight(max(changes) + ONE_DAY, tz), {}, {})
    groups = query(workspace, whole, (), "day").groups
    old = {group.bucket.astimezone(tz).date(): group.sums.cost for group in groups if group.bucket}
    most = max(abs(difference) for _, difference in changes.values())
    return [
        DayRow(day, calls, old.get(day, Decimal(0)), old.get(day, Decimal(0)) + difference,
               abs(difference) / most if most else Decimal(0))
        for day, (calls, difference) in sorted(changes.items())
    ]  # fmt: skip


def _rows(lane: int) -> Any:
    # a correction lies on the day of its event: a day that was priced later has 0 left
    return SpendDay.objects.filter(lane=lane, cut=Cut.MODEL, unpriced_calls__gt=0)


def _labels(lane: int, models: list[int]) -> dict[int, tuple[str, str]]:
    """Model label → the provider and a task under which it was called."""
    used = Attribution.objects.filter(lane=lane, model_id__in=models).order_by("pk")
    found = {
        model: (provider, task) for model, provider, task in used.values_list("model_id", "provider_id", "task_id")
    }
    ids = {number for pair in found.values() for number in pair}
    kinds = (LabelKind.PROVIDER, LabelKind.TASK)
    names = dict(Label.objects.filter(pk__in=ids, kind__in=kinds).values_list("pk", "value"))
    return {model: (names.get(p, ""), names.get(t, "")) for model, (p, t) in found.items()}
