"""The watch: each workspace looked at as it is now, and, after a pause or a back-fill, hour by hour as it was.

It does what the tables say: killed anywhere it has done nothing, twice at once the second does nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from costwatch.accounts.models import Workspace
from costwatch.anomalies import books as keeping
from costwatch.anomalies import spells
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.detectors import ALL
from costwatch.anomalies.lessons import lessons_of, settings_of
from costwatch.anomalies.models import Look
from costwatch.anomalies.preloaded import PreloadedBooks
from costwatch.anomalies.state import Lesson, Settings
from costwatch.ledger import feed
from costwatch.lib.periods import period, zone

READER = "anomalies"
MOST_BATCHES = 5_000
CATCH_UP = timedelta(days=14)
PAST = timedelta(days=1)  # usage that is older is a back-fill
CALM = timedelta(seconds=45)  # without more of it, before the past is judged
PATIENCE = timedelta(hours=1)
HOUR = timedelta(hours=1)
PAUSE = timedelta(minutes=15)  # without a look: we were off, and what did not arrive proves nothing
FEW = 2


def watch_all(now: datetime) -> int:
    """Look at every workspace once; how many were looked at."""
    _note_changes(now)
    known = Look.objects.values_list("workspace_id", flat=True)
    for workspace in Workspace.objects.exclude(pk__in=known):
        Look.objects.get_or_create(workspace=workspace, defaults={"made_at": now})
    return sum(watch(workspace, now) for workspace in Workspace.objects.order_by("pk"))


def watch(workspace: Workspace, now: datetime) -> bool:
    """Look at one workspace; False where somebody else is at it, or where its past is still coming in."""
    with transaction.atomic():
        rows = Look.objects.select_for_update(skip_locked=True).filter(workspace=workspace)
        place = rows.first()
        if place is None or _is_filling(place, now):
            return False
        since, is_all = _plan(place, now, zone(workspace.time_zone))
        if place.looked_until is None or now - place.looked_until > PAUSE:
            place.watching_since = now
        look_through(workspace, since, now, now, place.watching_since)
        place.looked_until = now
        place.changed_from = None if is_all else place.changed_from
        place.save()
    return True


def look_through(
    workspace: Workspace, since: datetime, until: datetime, now: datetime, watching_since: datetime | None = None
) -> None:
    """Look at each full hour in (since, until], then at `until`. `now`: when all this happens."""
    settings, lessons = settings_of(workspace.pk), lessons_of(workspace.pk)
    hours = list(_hours(since, until, zone(workspace.time_zone)))
    live = past = StoredBooks(workspace, watching_since)
    if len(hours) > FEW:
        keeping.forget(workspace.lane)
        past = PreloadedBooks(workspace, since, until)
    midnights = [hour for hour in hours if period("day", hour, past.zone).start == hour]
    for hour in hours:
        # what looks at whole weeks says the same at the last of several midnights as at each
        every = {"look", "hour", "day"} if hour in midnights[-1:] else {"look", "hour"}
        _look(past, hour, every, settings, lessons, now)
    _look(live, until, {"look"}, settings, lessons, now)
    spells.end_priced(live, until)


def _look(
    books: StoredBooks, at: datetime, every: Collection[str], settings: Settings, lessons: Sequence[Lesson],
    now: datetime,
) -> None:  # fmt: skip
    for detector in ALL.values():
        if detector.EVERY in every and detector.NAME not in settings.off:
            found = detector.look(books, at, settings)
            expected = [finding for finding in found if any(lesson.covers(finding) for lesson in lessons)]
            for finding in found:
                if finding not in expected:
                    spells.take(books, finding, expected, settings, now)
    spells.end(books.workspace.pk, at, now)


def _note_changes(now: datetime) -> None:
    """Remember, by workspace, how far back what was folded since the last look is dated."""
    with feed.reading(READER, MOST_BATCHES) as (_, batches):
        first: dict[int, datetime] = {}
        for batch in batches:
            first[batch.lane] = min(batch.first_at, first.get(batch.lane, batch.first_at))
        for lane, at in first.items():
            place, _ = Look.objects.get_or_create(workspace_id=lane, defaults={"made_at": now})
            place.changed_from = min(at, place.changed_from or at)
            place.filled_at = now if at < now - PAST else place.filled_at
            place.save()


def _is_filling(place: Look, now: datetime) -> bool:
    """Whether a first history is coming in: it is judged when it is there, for half of it would be all new."""
    filling = place.filled_at is not None and now - place.filled_at < CALM
    return filling and place.looked_until is None and now - place.made_at < PATIENCE


def _plan(place: Look, now: datetime, tz: ZoneInfo) -> tuple[datetime, bool]:
    """From where on to look, and whether that takes in all that has arrived late.

    Where the last look ended; once an hour from where usage has arrived since. (The last two hours always are.)
    """
    earliest = now - CATCH_UP
    since = max(place.looked_until or earliest, earliest)
    hour = period("hour", now, tz).start
    if place.changed_from is None or place.changed_from >= hour - HOUR or place.looked_until is None:
        return since, True
    is_calm = place.filled_at is None or now - place.filled_at >= CALM
    if is_calm and place.looked_until < hour:
        return max(earliest, min(since, place.changed_from)), True
    return since, False


def _hours(since: datetime, until: datetime, tz: ZoneInfo) -> Iterator[datetime]:
    """The full hours in (since, until]."""
    hour = period("hour", since, tz).end
    while hour <= until:
        yield hour
        hour = period("hour", hour, tz).end
