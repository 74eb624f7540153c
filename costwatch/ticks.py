"""Notes each good end of a periodic task in the database: what the scheduler, /readyz and doctor go by.

Times are the database's, pauses those of a clock that never jumps: who notes and who reads may have other clocks.
"""

from datetime import datetime
from time import monotonic

from django.db.models.functions import Now

from costwatch.database import clock
from costwatch.models import Tick

WRITE_EVERY = 2.0  # seconds; a task that runs each second need not write each second
_last_noted: dict[str, float] = {}


def note(name: str) -> None:
    """The task came to a good end now."""
    at = monotonic()
    if at - _last_noted.get(name, float("-inf")) < WRITE_EVERY:
        return
    Tick.objects.update_or_create(name=name, defaults={"finished_at": Now()})
    _last_noted[name] = at


def finished() -> dict[str, datetime]:
    """Task name → its last good end."""
    return dict(Tick.objects.values_list("name", "finished_at"))


def newest_age() -> float | None:
    """Seconds since any periodic task last ended well; None if none ever did."""
    newest = max(finished().values(), default=None)
    return None if newest is None else (clock.now() - newest).total_seconds()
