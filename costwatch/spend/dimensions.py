"""The names by which spend can be filtered and grouped, as in API.md §5, and where the ledger keeps each."""

from costwatch.ledger.models import LabelKind

LABELS = {
    "provider": LabelKind.PROVIDER,
    "model": LabelKind.MODEL,
    "operation": LabelKind.OPERATION,
    "agent": LabelKind.AGENT,
    "task": LabelKind.TASK,
    "environment": LabelKind.ENVIRONMENT,
    "release": LabelKind.RELEASE,
}
KEY = "key"
USER, SESSION, RUN = "user", "session", "run"
FACTS = {USER: "end_user_id", SESSION: "session_id", RUN: "run_id"}  # columns of an event, not of its attribution
TAG = "tag."
LONGEST_TAG = 64
NAMES = (*LABELS, KEY, *FACTS)

# An event calls them so; a filter understands both names.
EVENT_NAMES = {"agent_id": "agent", "user_id": "user", "session_id": "session", "run_id": "run"}


def is_dimension(name: str) -> bool:
    """Whether spend can be filtered and grouped by this name."""
    return name in NAMES or (name.startswith(TAG) and 0 < len(name) - len(TAG) <= LONGEST_TAG and is_storable(name))


def is_storable(name: str) -> bool:
    """Whether PostgreSQL can hold it: no NUL, no half of a surrogate pair."""
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in name)


def is_attribution(name: str) -> bool:
    """Whether the attribution of an event says it (labels, API key, tags), not the event itself."""
    return name not in FACTS
