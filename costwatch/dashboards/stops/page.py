"""The content of the page of stops."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.alerts import kill
from costwatch.alerts.models import Stop
from costwatch.dashboards.addresses import profile_url

ROWS = 50
REASONS = {"": "All", "kill": "By people", "budget": "Budgets", "loop": "Loops"}
WORDS = {"kill": ("bad", "stopped by hand"), "budget": ("warn", "budget"), "loop": ("bad", "loop")}
CSV_HEAD = ("Who", "Reason", "Why", "By", "Since", "Until", "Incident")


@dataclass(frozen=True)
class Tab:
    """A reason to choose."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True)
class Row:
    """A stop of the list. `css` and `words` are the look of its reason."""

    stop: Stop
    whom: str
    url: str
    css: str
    words: str

    @property
    def may_be_lifted(self) -> bool:
        """Whether a person can, here."""
        return self.stop.reason == kill.REASON

    @property
    def list_url(self) -> str:
        """The list it stands in."""
        return stops_url(self.stop.reason)


def tabs(workspace: Workspace, reason: str, now: datetime) -> list[Tab]:
    """The reasons with their numbers, the chosen one marked."""
    counts = {name: kill.listing(workspace.pk, now, name).count() for name in REASONS}
    return [Tab(label, counts[name], stops_url(name), name == reason) for name, label in REASONS.items()]


def rows(workspace: Workspace, reason: str, page: int, now: datetime) -> tuple[list[Row], bool]:
    """One page of the list, and whether there are more."""
    found = list(kill.listing(workspace.pk, now, reason)[ROWS * (page - 1) : ROWS * page + 1])
    return [_row(stop) for stop in found[:ROWS]], len(found) > ROWS


def of_run(workspace: Workspace, run_id: str, now: datetime) -> Row | None:
    """The newest stop of this very run; None where nothing asks it by its id."""
    found = kill.listing(workspace.pk, now).filter(scope={"run": [run_id]}).first()
    return _row(found) if found else None


def csv_rows(workspace: Workspace, reason: str, now: datetime) -> list[tuple[object, ...]]:
    """The whole list with a head."""
    found = kill.listing(workspace.pk, now, reason)
    return [CSV_HEAD, *((kill.whom(stop.scope), stop.reason, stop.message, stop.actor, stop.placed_at, stop.until,
                         stop.incident_id) for stop in found)]  # fmt: skip


def stops_url(reason: str = "") -> str:
    """The list of one reason."""
    return reverse("stops") + (f"?{urlencode({'reason': reason})}" if reason else "")


def stop_url(by: str, value: str, why: str = "") -> str:
    """The page with its form filled in: nothing is stopped by a link."""
    return f"{reverse('stops')}?{urlencode({'by': by, 'value': value, 'message': why})}#new"


def _row(stop: Stop) -> Row:
    css, words = WORDS.get(stop.reason, ("warn", stop.reason))
    one = next(iter(stop.scope.items()), None) if len(stop.scope) == 1 else None
    url = profile_url(one[0], one[1][0]) if one and len(one[1]) == 1 and one[1][0] else ""
    return Row(stop, kill.whom(stop.scope), url, css, words)
