"""The content of the limits view: each limit and each model without one, how close the calls came, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.limits.drawing import per_minute, step
from costwatch.lib import periods
from costwatch.limits.models import ProviderLimit
from costwatch.limits.pressure import MEASURES, NEAR, Pressed, Pressure, pressed
from costwatch.spend.minutes import Minute, minutes

HOURS = (1, 3, 12, 24)
USUAL_HOURS = 3
NAMES = {"requests": "requests", "tokens": "tokens", "input_tokens": "input tokens", "output_tokens": "output tokens"}
MINUTE = timedelta(minutes=1)
MOST_ROWS = 200
CSV_HEAD = ("provider", "model", "key", "measure", "limit_per_minute", "peak_per_minute", "peak_at", "p95_per_minute",
            "minutes_near", "minutes_at_limit", "throttled_requests")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A limit, or a model without one (`limit.pk` None): its tightest measure first, in words and as a bar."""

    limit: ProviderLimit
    found: Pressed
    url: str
    form_url: str
    current: bool

    @property
    def tightest(self) -> Pressure:
        return self.found.tightest

    @property
    def measure(self) -> str:
        return NAMES[self.tightest.measure]

    @property
    def share(self) -> Decimal | None:
        """The highest minute as a share of the limit."""
        share = self.tightest.share
        return None if share is None else Decimal(share)

    @property
    def headroom(self) -> Decimal | None:
        """What was left in the highest minute, as a share; negative where there was more than is allowed."""
        return None if self.share is None else 1 - self.share

    @property
    def css(self) -> str:
        """The colour of its state."""
        share = self.tightest.share
        if self.found.throttled or (share is not None and share >= 1):
            return "bad"
        return "warn" if share is not None and share >= NEAR else "ok" if share is not None else "muted"


@dataclass(frozen=True)
class Page:
    """What the page shows; `figure` is of the chosen row."""

    rows: list[Row]
    more: int
    chosen: Row | None
    figure: dict[str, Any] | None
    described: str
    start: datetime
    end: datetime

    @property
    def minutes_a_bar(self) -> int:
        return step(self.start, self.end)


def page(workspace: Workspace, hours: int, chosen: str, now: datetime) -> Page:
    """The last hours up to the minute that is not over."""
    start, end = span(hours, now)
    rows = _rows(workspace, minutes(workspace, start, end), hours, chosen)
    picked = next((row for row in rows if row.current), rows[0] if rows else None)
    zone = workspace.time_zone
    figure = per_minute(picked.tightest, start, end, periods.zone(zone)) if picked else None
    return Page(rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS), picked, figure, _described(picked), start, end)


def span(hours: int, now: datetime) -> tuple[datetime, datetime]:
    """Whole minutes: the one under way would look like a lull."""
    end = now.replace(second=0, microsecond=0)
    return end - timedelta(hours=hours), end


def csv_rows(workspace: Workspace, hours: int, now: datetime) -> list[Sequence[Any]]:
    """Every measure of every row."""
    found = _rows(workspace, minutes(workspace, *span(hours, now)), hours, "")
    return [CSV_HEAD, *(_csv_row(row, one) for row in found for one in row.found.measures)]


def _csv_row(row: Row, one: Pressure) -> Sequence[Any]:
    at = one.peak_at.isoformat() if one.peak_at else None
    return (row.limit.provider, row.limit.model, row.limit.key, one.measure, one.limit, one.peak, at, one.p95, one.near,
            one.hit, row.found.throttled)  # fmt: skip


def _rows(workspace: Workspace, found: Sequence[Minute], hours: int, chosen: str) -> list[Row]:
    """Limits, tightest first, then the models that none is known of, busiest first."""
    known = list(ProviderLimit.objects.filter(workspace=workspace).order_by("provider", "model", "key", "pk"))
    told = {(limit.provider, limit.model) for limit in known}
    seen = sorted({(minute.provider, minute.model) for minute in found})
    unknown = [
        ProviderLimit(workspace=workspace, provider=provider, model=model)
        for provider, model in seen
        if not told & {(provider, model), (provider, "")}
    ]
    rows = [_row(limit, found, hours, chosen) for limit in (*known, *unknown)]
    return sorted(rows, key=lambda row: (row.limit.pk is None, -(row.tightest.share or 0), -row.tightest.peak))


def _row(limit: ProviderLimit, found: Sequence[Minute], hours: int, chosen: str) -> Row:
    name = str(limit.pk) if limit.pk else f"{limit.provider}/{limit.model}"
    base, asked = reverse("limits"), {"hours": hours} if hours != USUAL_HOURS else {}
    form = {"provider": limit.provider, "model": limit.model, "key": limit.key}
    for measure in MEASURES:
        form[measure] = str(getattr(limit, measure) or "")
    return Row(
        limit,
        pressed(found, limit, hours * 60),
        f"{base}?{urlencode({**asked, 'show': name})}",
        f"{base}?{urlencode({**asked, **{k: v for k, v in form.items() if v}})}#set",
        name == chosen,
    )


def _described(row: Row | None) -> str:
    if row is None:
        return ""
    one = row.tightest
    limit = f" of {display.count(one.limit)} allowed" if one.limit else ""
    return f"Bars: {row.measure} a minute of {row.limit}; at most {display.count(one.peak)}{limit}."
