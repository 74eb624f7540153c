"""A finding becomes a spell with its incident, goes on with one, or turns out to be part of another."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.alerts.models import Incident, Kind, Severity, State
from costwatch.anomalies import words
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.detectors import ALL, spend, unpriced
from costwatch.anomalies.models import Spell
from costwatch.anomalies.state import Driver, Finding, Settings

DRIVERS_EVERY = timedelta(minutes=10)
LONGEST_DRIVEN = timedelta(days=7)
DRIVERS = 12
CRUMB = Decimal("0.05")  # of the impact
ALSO = 8


def take(
    books: StoredBooks, finding: Finding, expected: Sequence[Finding], settings: Settings, now: datetime
) -> None:  # fmt: skip
    """Tell a new finding, or add a known one to what was told. What is only part of something expected is not told."""
    spell = _known(books.workspace.pk, finding)
    if spell is None or _was_expected(spell):
        # more than what was called expected or was priced is a matter of its own, though the hour is the same
        started_at = finding.at if spell is not None or _has_begun(books.workspace.pk, finding) else finding.start
        spell, drivers = _begin(books, finding, started_at, expected, now)
        if _is_own(spell):
            _report(books, spell, finding, settings, drivers, now)
        return
    is_new = _add(spell, finding)
    is_own = _is_own(spell)
    drivers = None
    if finding.bucket and is_own and (is_new or now - spell.looked_at > DRIVERS_EVERY):
        drivers, spell.looked_at = _drivers(books, spell, finding), now
    spell.save()
    if is_own:
        _report(books, spell, finding, settings, drivers, now)


def end(workspace_id: int, at: datetime, now: datetime) -> int:
    """Spells that were not found again are over; incidents of which none lasts are resolved. How many spells."""
    ended = list(Spell.objects.filter(workspace_id=workspace_id, over=False, lasts_until__lt=at))
    _finish(workspace_id, ended, now)
    return len(ended)


def end_priced(books: StoredBooks, now: datetime) -> int:
    """The spells of models that were priced since, past calls and all, are over. How many."""
    lasting = Spell.objects.filter(workspace=books.workspace, over=False, detector=unpriced.NAME, lasts_until__gte=now)
    spells = list(lasting)
    left = unpriced.left(books, [spell.value for spell in spells], now) if spells else ()
    priced = [spell for spell in spells if spell.value not in left]
    # it ends here: a call without a price that comes later is found as something new
    lasting.filter(pk__in=[spell.pk for spell in priced]).update(lasts_until=now)
    _finish(books.workspace.pk, priced, now, unpriced.PRICED)
    return len(priced)


def _finish(workspace_id: int, ended: Sequence[Spell], now: datetime, text: str = "") -> None:
    """These are over; an incident of which no spell lasts is resolved, with what the detector says of that."""
    Spell.objects.filter(pk__in=[spell.pk for spell in ended]).update(over=True)
    lasting = Spell.objects.filter(workspace_id=workspace_id, over=False).values_list("incident_key", flat=True)
    for spell in ended:
        if spell.incident_key not in lasting:
            for incident in Incident.objects.filter(workspace_id=workspace_id, dedupe_key=spell.incident_key):
                incidents.settle(incident, now, text or ALL[spell.detector].OVER)


def _key(detector: str, dimension: str, value: str, start: datetime) -> str:
    digest = sha256(f"{dimension}\0{value}".encode()).hexdigest()[:20]
    return f"anomaly:{detector}:{digest}:{start:%Y%m%dT%H%M}"


def _known(workspace_id: int, finding: Finding) -> Spell | None:
    """The spell that a finding belongs to. One that is over takes only what is found about its own time."""
    detector, dimension, value = finding.subject
    rows = Spell.objects.filter(workspace_id=workspace_id, detector=detector, dimension=dimension, value=value)
    near = rows.filter(started_at__lte=finding.at, lasts_until__gte=finding.start).order_by("-started_at")
    return next((spell for spell in near if not spell.over or spell.lasts_until >= finding.at), None)


def _has_begun(workspace_id: int, finding: Finding) -> bool:
    """Whether a spell of the same began where the finding does; it is over, for else the finding were its own."""
    detector, dimension, value = finding.subject
    rows = Spell.objects.filter(workspace_id=workspace_id, detector=detector, dimension=dimension, value=value)
    return rows.filter(started_at=finding.start).exists()


def _is_own(spell: Spell) -> bool:
    """Whether the incident is this spell's and not that of another one of the same matter."""
    return spell.incident_key == _key(spell.detector, spell.dimension, spell.value, spell.started_at)


def _was_expected(spell: Spell) -> bool:
    rows = Incident.objects.filter(workspace_id=spell.workspace_id, dedupe_key=spell.incident_key)
    return _is_own(spell) and rows.filter(state=State.EXPECTED).exists()


def _begin(
    books: StoredBooks, finding: Finding, started_at: datetime, expected: Sequence[Finding], now: datetime
) -> tuple[Spell, list[Driver] | None]:
    spell = Spell(
        workspace=books.workspace, detector=finding.detector, dimension=finding.dimension, value=finding.value,
        started_at=started_at, lasts_until=finding.lasts_until, incident_key=_key(*finding.subject, started_at),
        looked_at=now,
    )  # fmt: skip
    _add(spell, finding)
    drivers = None
    if finding.bucket:
        drivers = _drivers(books, spell, finding)
        known = next((e for e in expected if spend.explained(finding, drivers, e.dimension, e.value)), None)
        other = _same_matter(books.workspace.pk, finding, drivers)
        if known is not None:
            spell.incident_key = _key(*known.subject, known.start)
        elif other is not None:
            spell.incident_key = other.incident_key
            _also(other, finding, now)
    spell.save()
    return spell, drivers


def _same_matter(workspace_id: int, finding: Finding, drivers: Sequence[Driver]) -> Spell | None:
    """A lasting spell of another value that was told, within which most of this one's dollars lie."""
    told = Incident.objects.filter(workspace_id=workspace_id).exclude(state=State.EXPECTED).values("dedupe_key")
    lasting = Spell.objects.filter(
        workspace_id=workspace_id, detector=finding.detector, over=False, incident_key__in=told
    )
    others = [spell for spell in lasting if spell.lasts_until >= finding.start and spell.started_at <= finding.at]
    return next((s for s in others if spend.explained(finding, drivers, s.dimension, s.value)), None)


def _also(spell: Spell, finding: Finding, now: datetime) -> None:
    """Name on the other spell's incident whom else it concerns."""
    incident = Incident.objects.filter(workspace_id=spell.workspace_id, dedupe_key=spell.incident_key).first()
    if incident is not None:
        also = [*incident.facts.get("also", []), words.name(finding.dimension, finding.value)]
        incidents.refresh(spell.workspace_id, spell.incident_key, {"also": list(dict.fromkeys(also))[:ALSO]},
                          incident.amount, now)  # fmt: skip


def _add(spell: Spell, finding: Finding) -> bool:
    """Take over the finding's figures; whether it is of an hour or day that the spell did not have."""
    spell.lasts_until = max(spell.lasts_until, finding.lasts_until)
    if not finding.bucket:
        return False
    buckets = spell.buckets.setdefault(finding.bucket, {})
    start = finding.start.isoformat()
    is_new = start not in buckets
    buckets[start] = [finding.facts["actual_usd"], finding.facts["expected_usd"]]
    return is_new


def _figures(spell: Spell, finding: Finding) -> tuple[Decimal | None, dict[str, Any]]:
    """The impact of a whole spell and its facts: hours and days that are unusual are never added up twice."""
    if not finding.bucket:
        return finding.impact, {}
    sums = {
        bucket: [sum((Decimal(row[i]) for row in rows.values()), Decimal(0)) for i in (0, 1)]
        for bucket, rows in spell.buckets.items()
    }
    bucket = max(sums, key=lambda name: sums[name][0] - sums[name][1])
    spent, usual = sums[bucket]
    starts = sorted(datetime.fromisoformat(start) for start in spell.buckets[bucket])
    facts = {
        "bucket": bucket,
        "buckets": len(starts),
        "actual_usd": words.plain(spent),
        "expected_usd": words.plain(usual),
        "from": starts[0].isoformat(),
        "to": (starts[-1] + spend.LENGTH[bucket]).isoformat(),
        "level": words.plain(max(Decimal(row[0]) for rows in spell.buckets.values() for row in rows.values())),
    }
    return spent - usual, facts


def _report(
    books: StoredBooks, spell: Spell, finding: Finding, settings: Settings, drivers: list[Driver] | None, now: datetime
) -> None:  # fmt: skip
    impact, figures = _figures(spell, finding)
    facts = {
        **finding.facts, "detector": finding.detector, "dimension": finding.dimension, "value": finding.value,
        "level": words.plain(finding.level), **figures,
    }  # fmt: skip
    if impact is not None:
        facts["impact_usd"] = words.plain(impact)
    if finding.bucket == "hour":
        starts = spell.buckets["hour"]
        facts["hours"] = sorted({datetime.fromisoformat(start).astimezone(books.zone).hour for start in starts})
    if drivers is not None:
        facts |= {"drivers": [_told(driver) for driver in _telling(drivers, impact or Decimal(0))],
                  "series": spend.chart(books, finding, min(finding.end, finding.at))}  # fmt: skip
    severe = finding.bucket and impact is not None and impact >= spend.CRITICAL * settings.floor
    report = Report(
        kind=Kind(finding.kind),
        key=spell.incident_key,
        severity=Severity("critical" if severe else finding.severity),
        title=finding.title,
        message=finding.message,
        subject=finding.value or words.name(finding.dimension, finding.value),
        at=finding.at,
        amount=impact,
        facts=facts,
    )
    incidents.open_or_update(books.workspace.pk, report, now)
    incidents.refresh(books.workspace.pk, spell.incident_key, facts, impact, now, finding.message)


def _drivers(books: StoredBooks, spell: Spell, finding: Finding) -> list[Driver]:
    starts = [datetime.fromisoformat(start) for start in spell.buckets[finding.bucket]]
    until = min(finding.end, finding.at)
    since = max(min(starts), until - LONGEST_DRIVEN)
    return books.drivers(finding.dimension, finding.value, since, until)


def _telling(drivers: Sequence[Driver], impact: Decimal) -> list[Driver]:
    """The largest that made it dearer, of dimensions in which there was a choice; no crumbs."""
    choices = Counter(driver.dimension for driver in drivers)
    large = [driver for driver in drivers if driver.delta > 0 and driver.delta >= CRUMB * impact]
    return [driver for driver in large if choices[driver.dimension] > 1][:DRIVERS]


def _told(driver: Driver) -> dict[str, str]:
    return {
        "dimension": driver.dimension,
        "value": driver.value,
        "actual_usd": words.plain(driver.now),
        "expected_usd": words.plain(driver.usual),
        "delta_usd": words.plain(driver.delta),
    }
