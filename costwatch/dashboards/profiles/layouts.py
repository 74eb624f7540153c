"""What a profile shows of each dimension: one page, its parts in the order that matters there."""

from dataclasses import dataclass

from costwatch.ledger.models import Attribution, EndUser, Label
from costwatch.spend.dimensions import LABELS, TAG, USER


@dataclass(frozen=True)
class Layout:
    """`parts`: what the spend is broken down by, the first of them in the chart.

    `from_events`: parts that no rollup knows, so that they are shown of a bounded number of calls only.
    """

    parts: tuple[str, ...]
    from_events: tuple[str, ...] = ()


LAYOUTS = {
    "agent": Layout(("model", "task", "user")),
    "user": Layout(("agent", "task"), ("model",)),
    "task": Layout(("model", "agent", "user")),
    "model": Layout(("agent", "task", "release")),
    "release": Layout(("agent", "model", "task")),
}
OTHERS = Layout(("agent", "model", "task"))  # tags, environments, providers …


def layout(dimension: str) -> Layout:
    """The layout of a dimension's profiles."""
    return LAYOUTS.get(dimension, OTHERS)


def is_known(lane: int, dimension: str, value: str) -> bool:
    """Whether any call was ever recorded with this value of a label, of the users or of a tag."""
    if "\0" in value or "\0" in dimension:
        return False
    if dimension in LABELS:
        return Label.objects.filter(lane=lane, kind=LABELS[dimension], value=value).exists()
    if dimension == USER:
        return EndUser.objects.filter(lane=lane, user_id=value).exists()
    if dimension.startswith(TAG):
        return Attribution.objects.filter(lane=lane, tags__contains={dimension.removeprefix(TAG): value}).exists()
    return False
