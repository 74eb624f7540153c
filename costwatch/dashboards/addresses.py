"""Addresses of what a sender has named. Any text may be such a name, also one that a path would swallow (`..`)."""

from urllib.parse import urlencode

from django.urls import reverse

from costwatch.spend.dimensions import KEY, RUN, SESSION, TAG

# dimension → the first part of its profile pages' addresses
PROFILES = {"agent": "agents", "user": "users", "task": "tasks", "model": "models", "release": "releases"}


def run_url(run_id: str) -> str:
    """The page of a run."""
    return _address("run", run_id)


def run_csv_url(run_id: str) -> str:
    """The file of a run's calls."""
    return _address("run-csv", run_id)


def call_url(event_id: str) -> str:
    """The page of a call."""
    return _address("call", event_id)


def session_url(session_id: str) -> str:
    """The page of a session."""
    return _address("session", session_id)


def session_csv_url(session_id: str) -> str:
    """The file of a session's way."""
    return _address("session-csv", session_id)


def profile_url(dimension: str, value: str) -> str:
    """The page about one value of a dimension; for keys and what is not attributed, the Overview filtered by it."""
    if dimension in (RUN, SESSION) and value:
        return _address(dimension, value)
    if not value or dimension == KEY:
        return f"{reverse('overview')}?{urlencode({'period': '30d', dimension: value})}"
    if dimension in PROFILES and _is_harmless(value):
        return reverse(f"{dimension}-profile", args=[value])
    tag = dimension.removeprefix(TAG)
    if dimension.startswith(TAG) and "/" not in tag and _is_harmless(tag) and _is_harmless(value):
        return reverse("tag-profile", args=[tag, value])
    return f"{reverse('any-profile')}?{urlencode({'by': dimension, dimension: value})}"


def _address(kind: str, name: str) -> str:
    """In the path where browsers and servers leave it alone, else as a parameter."""
    return reverse(kind, args=[name]) if _is_harmless(name) else f"{reverse(f'any-{kind}')}?{urlencode({'id': name})}"


def _is_harmless(name: str) -> bool:
    """Whether a name survives in a path: browsers resolve dots and turn \\ into /, Django's paths know no new lines."""
    return (
        all(part.strip(".") for part in name.split("/"))
        and not any(sign in name for sign in "\\\n\r")
        and not name.endswith(".csv")
    )
