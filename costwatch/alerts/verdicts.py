"""Which runs should stop, known to every process: read from the table at most three times a second."""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from costwatch.alerts.models import Incident, State

FRESH_FOR = 0.3  # seconds; with the watch's second a verdict is out within two of the deciding event
MOST_STOPS = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run that an incident asks to stop, and why."""

    run_id: str
    reason: str
    message: str
    incident: int

    def told(self) -> dict[str, Any]:
        """As the API names it."""
        return {"run_id": self.run_id, "action": "stop", "reason": self.reason, "message": self.message,
                "incident": self.incident}  # fmt: skip


_known: dict[int, tuple[float, dict[str, Verdict]]] = {}


def stops(workspace_id: int) -> dict[str, Verdict]:
    """Run id → verdict, for the runs that an open or acknowledged incident asks to stop."""
    known = _known.get(workspace_id)
    now = monotonic()
    if known is None or now - known[0] > FRESH_FOR:
        known = _known[workspace_id] = (now, _read(workspace_id))
    return known[1]


def forget() -> None:
    """Read anew at the next question (after a change in this process, and in tests)."""
    _known.clear()


def _read(workspace_id: int) -> dict[str, Verdict]:
    rows = Incident.objects.filter(
        workspace_id=workspace_id, state__in=(State.OPEN, State.ACKNOWLEDGED), stops=True
    ).exclude(run_id="")
    newest = rows.order_by("-id").values_list("run_id", "kind", "message", "pk")[:MOST_STOPS]
    return {run_id: Verdict(run_id, kind, message, pk) for run_id, kind, message, pk in reversed(newest)}
