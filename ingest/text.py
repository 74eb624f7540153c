"""What a body of JSON may look like before anybody builds objects from it. Pure.

Each check is a few passes of C code over the bytes: a body made to exhaust the parser must not cost more than it sends.
"""

import re

from ingest.refused import Refused

DEEPEST = 8
MOST_EVENTS = 10_000
MOST_OBJECTS = 10 * MOST_EVENTS  # an event is at most: itself, tags, units, usage and its details
MOST_COMMAS = 100 * MOST_EVENTS
MOST_ESCAPES = 100 * MOST_EVENTS

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"?')
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_SQUARE = bytes.maketrans(b"{}", b"[]")
_SURROGATE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def too_many() -> Refused:
    return Refused(413, "too_many_events", f"A request may hold at most {MOST_EVENTS:,} events; send several requests.")


def check_amount(body: bytes, lines: bool) -> None:
    """Refuse a body that would become millions of objects (13 bytes are an event, 450 in memory)."""
    if len(body) > 1_000_000 and (body.count(b"{") > MOST_OBJECTS or body.count(b",") > MOST_COMMAS):
        raise too_many()
    if lines and body.count(b"\n") + body.count(b"\r") > MOST_OBJECTS:
        raise too_many()


def check_encoding(body: bytes) -> None:
    """Refuse what is not UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        message = f"The body is not UTF-8 (byte {error.start + 1:,}); JSON has to be."
        raise Refused(400, "bad_encoding", message) from None


def too_deep() -> Refused:
    return Refused(413, "too_deep", f"The JSON is nested more than {DEEPEST} levels deep.")


def deeper_than(text: bytes, levels: int) -> bool:
    """Whether this JSON has more levels of objects and arrays. Wrong for malformed JSON, which is refused anyway.

    Passes of C code only, 1 us an event; a regular expression over all strings would be 8.
    """
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    if b"\\" in text:
        text = _ESCAPED.sub(b"", text)
    rest = text.translate(_SQUARE, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in rest:  # strings that hold brackets
        rest = _STRING.sub(b"", rest)
    for _ in range(levels):
        rest = rest.replace(b"[]", b"")  # one pass takes the innermost level away
    return b"[]" in rest or rest.count(b"[") > levels


def mark_half_characters(body: bytes) -> bytes:
    r"""Lone surrogates (half an emoji, cut by a careless client) as \u0000: the decoder would refuse the whole body for
    one, a NUL only costs its event."""
    if body.count(b"\\") > MOST_ESCAPES:  # 0.5 us each: a body of nothing else would take 8 s
        return body
    return _SURROGATE.sub(lambda m: rb"\u0000" if m[1] else m[0], body)
