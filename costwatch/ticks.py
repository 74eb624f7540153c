"""Notes each good end of a periodic task in the database: what the scheduler, /readyz and doctor go by."""

from datetime import datetime, timedelta

from costwatch.models import Tick

WRITE_EVERY = timedelta(seconds=2)  # a task that runs each second need not write each second
_last_noted: dict[str, datetime] = {}


def note(name: str, now: datetime) -> None:
    """The task came to a good end now."""
    if now - _last_noted.get(name, now - WRITE_EVERY) < WRITE_EVERY:
        return
    Tick.objects.update_or_create(name=name, defaults={"finished_at": now})
    _last_noted[name] = now


def finished() -> dict[str, datetime]:
    """Task name → its last good end."""
    return dict(Tick.objects.values_list("name", "finished_at"))


def newest_age(now: datetime) -> float | None:
    """Seconds since any periodic task last ended well; None if none ever did."""
    newest = max(finished().values(), default=None)
    return None if newest is None else (now - newest).total_seconds()
