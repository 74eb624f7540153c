"""The back-test on the settings page: the last two weeks under other settings, beside what was told in life."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.alerts.models import Incident, Kind
from costwatch.anomalies.backtest import Books, Spell, backtest
from costwatch.anomalies.lessons import lessons_of
from costwatch.anomalies.state import Settings

DAYS = 14
SECONDS = 20.0  # on an idle machine two or three
MOST_ROWS = 50
KINDS = (Kind.ANOMALY, Kind.PRICING, Kind.INGEST)
WORDS = {"new": ("bad", "new"), "lost": ("hollow muted", "no longer"), "same": ("muted", "as told")}


@dataclass(frozen=True)
class Row:
    """Something that would be told, or was told and would not be; `url` of the incident that was."""

    title: str
    at: datetime
    impact: Decimal | None
    url: str
    change: str

    @property
    def css(self) -> str:
        return WORDS[self.change][0]

    @property
    def words(self) -> str:
        return WORDS[self.change][1]


@dataclass(frozen=True)
class Trial:
    """What the page says about the new settings, newest first."""

    rows: Sequence[Row]
    since: datetime
    until: datetime
    is_short: bool

    @property
    def shown(self) -> Sequence[Row]:
        return self.rows[:MOST_ROWS]

    def count(self, *changes: str) -> int:
        return sum(row.change in changes for row in self.rows)

    @property
    def told(self) -> int:
        return self.count("new", "same")

    @property
    def new(self) -> int:
        return self.count("new")

    @property
    def lost(self) -> int:
        return self.count("lost")


def trial(workspace: Workspace, settings: Settings, now: datetime, seconds: float = SECONDS) -> Trial:
    """Look at the last fourteen days hour by hour, or at as many of them as the time is enough for."""
    since = now - timedelta(days=DAYS)
    spells, until = backtest(Books(workspace, since, now), settings, lessons_of(workspace.pk), since, now, seconds)
    rows = Incident.objects.filter(workspace=workspace, kind__in=KINDS, facts__has_key="detector")
    left = {incident.pk: incident for incident in rows.filter(opened_at__gt=since, opened_at__lte=until)}
    found = []
    for spell in spells:
        incident = next((one for one in left.values() if _is_same(spell, one)), None)
        if incident is not None:
            del left[incident.pk]
        url = reverse("incident", args=[incident.pk]) if incident else ""
        found.append(Row(spell.worst.title, spell.first.at, spell.worst.impact, url, "same" if incident else "new"))
    found += [Row(one.title, one.opened_at, one.amount, reverse("incident", args=[one.pk]), "lost")
              for one in left.values()]  # fmt: skip
    is_short = now - until > timedelta(hours=2)
    return Trial(sorted(found, key=lambda row: row.at, reverse=True), since, until, is_short)


def _is_same(spell: Spell, incident: Incident) -> bool:
    """Whether the incident was told of this: of the same value, within the spell's time."""
    facts = incident.facts
    subject = (facts.get("detector"), facts.get("dimension"), facts.get("value"))
    return subject == spell.first.subject and spell.first.start <= incident.opened_at <= spell.lasts_until
