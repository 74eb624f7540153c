"""Lists in pages: a cursor says after which row to go on, so that rows added meanwhile neither repeat nor hide any."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing

from costwatch.spend.filters import BadQuery

Item = TypeVar("Item")
MOST_ITEMS = 1_000


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some rows, and the cursor of the next page, None after the last one."""

    items: list[Item]
    next_cursor: str | None = None


def to_cursor(listing: str, position: list[Any]) -> str:
    """The cursor of a position in a listing: signed, so that only our own come back."""
    return signing.dumps(position, salt=f"cursor.{listing}")


def from_cursor(listing: str, cursor: str) -> list[Any]:
    """The position a cursor stands for; raises BadQuery for one that is not ours or of another listing or order."""
    try:
        position: list[Any] = signing.loads(cursor, salt=f"cursor.{listing}")
    except (signing.BadSignature, ValueError):
        message = "This cursor is not one of this list in this order; take next_cursor as it came, or leave it out."
        raise BadQuery("cursor", message) from None
    return position
