"""Days and times as people read them, the same on pages and in messages. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def day(on: date, year: bool = False) -> str:
    """Wed 18 Nov, with the year where it is not clear."""
    return f"{on:%a} {on.day} {on:%b}" + (f" {on.year}" if year else "")


def books_begin(on: date) -> str:
    """Why there is nothing to compare with: the books begin 27 Sep."""
    return f"the books begin {on.day} {on:%b}"


def day_and_time(local: datetime) -> str:
    """Wed 18 Nov 14:32, in the zone the time comes in."""
    return f"{day(local.date())} {local:%H:%M}"


def in_zone(at: datetime, zone: ZoneInfo) -> str:
    """An instant in a zone that is named: Wed 18 Nov 2026 14:32 Europe/Berlin."""
    local = at.astimezone(zone)
    return f"{day(local.date(), year=True)} {local:%H:%M} {zone.key}"
