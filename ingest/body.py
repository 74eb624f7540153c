"""The body of a request, read as far as it may be, and what its headers say it is."""

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from django.utils.http import parse_header_parameters

from ingest.refused import Refused

JSON, LINES = "application/json", "application/x-ndjson"
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")


def is_lines(content_type: str) -> bool:
    """Whether this Content-Type means one event per line. Raises Refused 415 for what is neither that nor JSON."""
    name, parameters = parse_header_parameters(content_type[:1_000])
    if name not in (JSON, LINES):
        raise Refused(415, "unsupported_type", f"Content-Type must be {JSON} or {LINES}.")
    if parameters.get("charset", "utf-8").lower() not in CHARSETS:
        raise Refused(415, "unsupported_charset", "The charset of JSON is UTF-8; send that.")
    return name == LINES


def read(request: HttpRequest) -> bytes:
    """The body as sent. Raises Refused: 413 beyond the limit (without reading on), 400 where the client broke off."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and (len(length) > 12 or int(length) > settings.BODY_LIMIT):
        raise _too_large()
    try:
        return request.read()
    except (UnreadablePostError, OSError):
        raise Refused(400, "broken_off", "The connection broke before the whole body was there.") from None


def _too_large() -> Refused:
    return Refused(413, "too_large", f"A request may be at most {settings.BODY_LIMIT >> 20} MB as sent; send several.")
