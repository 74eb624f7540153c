"""What the pages of the price book show: prices in rows, versions of a model over time, the age of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from costwatch.accounts.models import Workspace
from costwatch.dashboards.display import every_digit
from costwatch.dashboards.run_page import component
from costwatch.pricing import listing
from costwatch.pricing.commands import OLD_AFTER
from costwatch.pricing.models import CatalogueRelease, PriceComponent, PriceVersion
from costwatch.pricing.specs import TOKEN_UNITS

PER = {"1M": 1_000_000, "1K": 1_000, "token": 1}
ROWS = 60
COLUMNS = ("input", "cache_read", "output")
WIDTH, HEIGHT = 600, 100
SHOWN_BEFORE = timedelta(days=60)


@dataclass(frozen=True)
class Row:
    """One price in the table; `prices` are those of COLUMNS, "" where there is none."""

    version: PriceVersion
    prices: list[str]
    more: str
    tier: str
    own: bool

    @property
    def said(self) -> str:
        """What stands instead of prices."""
        if self.version.multiplier is not None:
            return f"{(self.version.multiplier * 100).normalize():f} % of the list price"
        return "" if any(self.prices) or self.more else "free"


@dataclass(frozen=True)
class Steps:
    """A price over time as points of a step line, its range for the axis, and the colour of the line."""

    label: str
    points: str
    low: str
    high: str
    colour: str


@dataclass(frozen=True)
class Line:
    """One tier and region of a model: its versions, newest first, and the chart of them where it says something."""

    title: str
    rows: list[Row]
    steps: list[Steps]
    since: datetime | None


@dataclass(frozen=True)
class Age:
    """The catalogue that was read last."""

    name: str
    days: int

    @property
    def old(self) -> bool:
        return self.days > OLD_AFTER.days


def age(now: datetime) -> Age | None:
    """How old the catalogue is; None where none was read."""
    latest = CatalogueRelease.objects.order_by("-pk").first()
    return Age(latest.name, (now - latest.imported_at).days) if latest else None


def row(version: PriceVersion, per: int) -> Row:
    """One price; tokens for `per` of them."""
    base = {c.unit: c for c in version.components.all() if c.threshold == 0}
    prices = [_price(base[unit], per) if unit in base else "" for unit in COLUMNS]
    rest = [c for c in ordered(version) if c.threshold or c.unit not in COLUMNS]
    line = version.line
    tier = " · ".join(filter(None, (line.variant or "every tier", line.region, line.schedule)))
    return Row(version, prices, ", ".join(_said(c, per) for c in rest), tier, line.workspace_id is not None)


def lines(workspace: Workspace, provider: str, model: str, per: int, now: datetime) -> list[Line]:
    """All prices of a model at a provider, by tier and region; those of the workspace first."""
    versions = list(listing.prices(workspace, provider=provider, model=model))
    versions.sort(key=lambda v: (v.line.workspace_id is None, v.line.variant != "standard", v.line_id))
    found = []
    for _, group in groupby(versions, key=lambda v: v.line_id):
        rows = sorted(group, key=_start, reverse=True)
        first = row(rows[0], per)
        title = f"{first.tier}, agreed" if first.own else first.tier
        found.append(Line(title, [row(v, per) for v in rows], _steps(rows[::-1], per, now), _since(rows)))
    return found


def _steps(versions: Sequence[PriceVersion], per: int, now: datetime) -> list[Steps]:
    """Input and output over time; nothing where the price never changed."""
    if len(versions) < 2:
        return []
    charts = []
    for unit, colour in (("input", "s1"), ("output", "s2")):
        spans = [(v.valid_from, v.valid_until, c.price / c.per) for v in versions for c in v.components.all()
                 if c.unit == unit and c.threshold == 0]  # fmt: skip
        if len(spans) > 1:
            charts.append(_step_line(component(unit), colour, spans, per, now))
    return charts


Span = tuple[datetime | None, datetime | None, Decimal]


def _step_line(label: str, colour: str, spans: Sequence[Span], per: int, now: datetime) -> Steps:
    changes = [start for start, _, _ in spans if start is not None]
    first, last = min(changes) - SHOWN_BEFORE, max(now, *changes)
    low, high = min(price for *_, price in spans), max(price for *_, price in spans)
    points = []
    for start, end, price in spans:
        y = HEIGHT - 5 - _part(price - low, high - low) * (HEIGHT - 10)
        for at in (start or first, min(end or last, last)):
            points.append(f"{_part((at - first).total_seconds(), (last - first).total_seconds()) * WIDTH:.1f},{y:.1f}")
    return Steps(label, " ".join(points), every_digit(low * per), every_digit(high * per), colour)


def _part(value: float | Decimal, whole: float | Decimal) -> float:
    return float(value) / float(whole) if whole else 0.5


def _since(rows: Sequence[PriceVersion]) -> datetime | None:
    known = [v.valid_from for v in rows if v.valid_from]
    return min(known) - SHOWN_BEFORE if known else None


def _start(version: PriceVersion) -> float:
    return version.valid_from.timestamp() if version.valid_from else float("-inf")


def ordered(version: PriceVersion) -> list[PriceComponent]:
    """What a price is made of; tiers of context come last."""
    return sorted(version.components.all(), key=lambda c: (c.threshold, c.pk))


def price_for(c: PriceComponent, per: int) -> Decimal:
    """What `per` tokens cost, or one of what is not counted in tokens."""
    return c.price * per / c.per if c.unit in TOKEN_UNITS else c.price / c.per


def _price(c: PriceComponent, per: int) -> str:
    return every_digit(price_for(c, per))


def _said(c: PriceComponent, per: int) -> str:
    above = f" above {c.threshold:,} tokens" if c.threshold else ""
    each = "" if c.unit in TOKEN_UNITS else " each"
    return f"{component(c.unit)} {_price(c, per)}{each}{above}"
