"""Addresses of what a sender has named. Any text may be such a name, also one that a path would swallow (`..`)."""

from urllib.parse import urlencode

from django.urls import reverse


def run_url(run_id: str) -> str:
    """The page of a run."""
    return _address("run", run_id)


def call_url(event_id: str) -> str:
    """The page of a call."""
    return _address("call", event_id)


def _address(kind: str, name: str) -> str:
    """In the path where browsers and servers leave it alone, else as a parameter."""
    harmless = all(part.strip(".") for part in name.split("/")) and "\\" not in name and not name.endswith(".csv")
    return reverse(kind, args=[name]) if harmless else f"{reverse(f'any-{kind}')}?{urlencode({'id': name})}"
