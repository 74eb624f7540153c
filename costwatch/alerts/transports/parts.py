"""What the transports share: their fields, what became of a message, and guarded HTTP."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from costwatch.lib import outbound

LONGEST_ANSWER = 500
LATER = (408, 425, 429)
GONE = (404, 410)
UNKNOWN_CALLER = (401, 403)


class BadChannel(ValueError):
    """A channel that cannot be stored as asked for; `field` is the one to put right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True)
class Field:
    """Something that a kind of channel needs. A `secret` is shown by its end only; `many`: a list of values; a new
    value throws away those that it `replaces`."""

    name: str
    label: str
    help: str = ""
    secret: bool = False
    many: bool = False
    required: bool = True
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Receipt:
    """It was taken: the answer, with its status where there is one."""

    status: int | None
    answer: str


class Undeliverable(Exception):
    """It was not taken. `rejected`: this message never will be; `dead`: nor any other, the channel is of no use."""

    def __init__(
        self,
        message: str,
        status: int | None = None,
        *,
        rejected: bool = False,
        dead: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.rejected, self.dead, self.retry_after = status, rejected, dead, retry_after


def checked_url(url: str, field: str = "url", hosts: Iterable[str] = ()) -> str:
    """A web address that may be called: public and https, or allowed by the operator. Raises BadChannel.

    A name that does not resolve now may do so when there is something to send: it is checked again each time.
    """
    try:
        _target(url, hosts)
    except outbound.Forbidden as problem:
        raise BadChannel(field, str(problem)) from None
    except outbound.Failed:
        if urlsplit(url).scheme != "https":
            raise BadChannel(field, "Write https://: what is sent names agents and amounts.") from None
    return url


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    hosts: Iterable[str] = (),
    by_token: bool = False,
) -> Receipt:
    """POST to an address that is checked again now. Any answer but 2xx raises Undeliverable.

    404 and 410 mean that nobody is there any more; 401 and 403 as well where the address is the token.
    """
    try:
        answer = outbound.call(_target(url, hosts), "POST", body, headers)
    except (outbound.Failed, outbound.Forbidden) as problem:
        raise Undeliverable(str(problem)) from None
    said = answer.body.decode(errors="replace")[:LONGEST_ANSWER].replace("\0", "")
    if 200 <= answer.status < 300:
        return Receipt(answer.status, said)
    gone = GONE + (UNKNOWN_CALLER if by_token else ())
    refused = 400 <= answer.status < 500 and answer.status not in (*LATER, *UNKNOWN_CALLER)
    raise Undeliverable(
        said,
        answer.status,
        rejected=refused,
        dead=answer.status in gone,
        retry_after=retry_after(answer.headers),
    )


def post_json(url: str, value: Any, headers: Mapping[str, str] | None = None, **how: Any) -> Receipt:
    """POST a value as JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return post(url, body, {"Content-Type": "application/json", **(headers or {})}, **how)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the other side asks to be left alone: a number or a date."""
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, OverflowError):  # no date, one of no zone, one beyond all calendars
        return None


def masked(value: str) -> str:
    """A secret as it may be shown: where it leads, and its last four signs."""
    try:
        parts = urlsplit(value)
    except ValueError:  # a token may hold what no address does
        parts = urlsplit("")
    start = f"{parts.scheme}://" if parts.scheme and "://" in value else ""
    if parts.scheme in ("http", "https"):  # elsewhere the place of the host may hold a token
        start += f"{parts.hostname}/"
    return f"{start}…{value[-4:]}" if len(value) >= 16 else f"{start}…"


def _target(url: str, hosts: Iterable[str]) -> outbound.Target:
    return outbound.check(url, settings.WEBHOOK_ALLOW, hosts, https=True)
