"""A message as every transport gets it, and the words that all of them use. Pure.

Titles and names come from senders: whatever is shown of them is one line without control characters.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from costwatch.lib.cut import both_ends

LONGEST_LINE, LONGEST_TITLE = 200, 160
SEVERITIES = ("notice", "alarm", "critical")
DIGEST, TEST = "digest", "test"
RESOLVED, ACKNOWLEDGED = "incident.resolved", "incident.acknowledged"


@dataclass(frozen=True)
class Message:
    """What is sent: `body` is the JSON of a webhook (API.md §6), `url` the page that shows it in full."""

    uid: str
    type: str
    workspace: str
    incidents: Sequence[Mapping[str, Any]]
    body: Mapping[str, Any]
    url: str

    @property
    def severity(self) -> str:
        """The worst of its incidents."""
        return max((str(i["severity"]) for i in self.incidents), key=SEVERITIES.index, default="notice")


def line(text: Any, most: int = LONGEST_LINE) -> str:
    """One line: no line ends, no control characters, nothing that turns the direction of writing."""
    kept = "".join(" " if c.isspace() else c for c in str(text) if c.isspace() or unicodedata.category(c)[0] != "C")
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - 1].rstrip() + "…"


def headline(message: Message) -> str:
    """What it is about, in a line: the subject of a mail."""
    if message.type == DIGEST:
        return line(message.body["digest"]["title"])
    if message.type == TEST:
        return line(f"Test message of {message.workspace}")
    if len(message.incidents) != 1:
        return line(f"{_of_many(message)} in {message.workspace}")
    title = both_ends(line(message.incidents[0]["title"], 2 * LONGEST_TITLE), LONGEST_TITLE)
    if message.type == RESOLVED:
        return f"Over: {title}"
    return f"{str(message.incidents[0]['severity']).capitalize()}: {title}"


def text(message: Message) -> str:
    """What is said of it besides the list of incidents."""
    if message.type == DIGEST:
        return str(message.body["digest"].get("text", ""))
    if message.type == TEST:
        return "This channel works: messages about incidents will arrive here."
    if len(message.incidents) == 1:
        return line(message.incidents[0]["message"], 2_000)
    return ""


def incident_line(incident: Mapping[str, Any]) -> str:
    """One incident in a list: #412 critical, $7.95: Loop in reasoning."""
    stake = money(incident.get("amount_usd"))
    state = "" if incident["state"] == "open" else f", {incident['state']}"
    title = both_ends(str(incident["title"]), LONGEST_TITLE)
    return line(f"#{incident['id']} {incident['severity']}{state}{f', {stake}' if stake else ''}: {title}")


def money(amount: str | None) -> str:
    """Dollars for people; empty for an unknown amount."""
    if amount is None:
        return ""
    value = Decimal(amount)
    return f"${value:,.2f}" if value >= Decimal("0.01") or not value else f"${value:.3g}"


def _of_many(message: Message) -> str:
    count = f"{len(message.incidents):,} incidents"
    return {RESOLVED: f"{count} are over", ACKNOWLEDGED: f"{count} acknowledged"}.get(message.type, count)
