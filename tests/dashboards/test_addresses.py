"""Whatever a sender called something: its address leads to the page about it, in one piece."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.urls import resolve
from hypothesis import example, given
from hypothesis import strategies as st

from costwatch.dashboards.addresses import (
    PROFILES,
    call_url,
    profile_url,
    run_csv_url,
    run_url,
    session_csv_url,
    session_url,
)
from costwatch.ledger.fold import fold_all
from tests.dashboards.page import links, text
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough

NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30),
    st.text(st.sampled_from("./\\%?#&=+ \n\r\t;:@a"), min_size=1, max_size=12),
)


def browsed(address: str) -> str:
    """What of a path a browser asks for: it resolves dots and takes \\ for /."""
    path = urlsplit(address).path
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/")[1:]:
        plain = part.lower().replace("%2e", ".")
        if plain == "..":
            parts = parts[:-1]
        elif plain != ".":
            parts.append(part)
    return "/" + "/".join(parts)


@pytest.mark.parametrize(
    ("make", "kind", "argument"),
    [
        (run_url, "run", "run_id"),
        (call_url, "call", "event_id"),
        (session_url, "session", "session_id"),
        (run_csv_url, "run-csv", "run_id"),
        (session_csv_url, "session-csv", "session_id"),
    ],
)
@given(name=NAMES)
@example(name="..")
@example(name="a/../b")
@example(name="x.csv")
@example(name="a//b")
@example(name="a\nb")
@example(name="new")
def test_an_id_survives_its_address(make, kind, argument, name):
    address = make(name)
    assert browsed(address) == urlsplit(address).path, "no browser makes another address of it"
    found = resolve(unquote(urlsplit(address).path))
    if found.url_name == f"{kind}":
        assert found.kwargs == {argument: name}
    else:
        assert found.url_name == f"any-{kind}"
        assert parse_qs(urlsplit(address).query, keep_blank_values=True) == {"id": [name]}


@given(st.sampled_from([*PROFILES, "tag.customer", "tag.a/b", "tag..", "provider", "environment", "operation"]), NAMES)
@example("agent", "x/y")
@example("user", "me@example.com/../admin")
@example("tag.customer", "a/b")
@example("model", "openai/gpt-5.csv")
def test_a_value_survives_the_address_of_its_profile(dimension, name):
    address = profile_url(dimension, name)
    assert browsed(address) == urlsplit(address).path
    found = resolve(unquote(urlsplit(address).path))
    if found.url_name == "any-profile":
        assert parse_qs(urlsplit(address).query) | {"by": [dimension]} == {"by": [dimension], dimension: [name]}
    elif found.url_name == "tag-profile":
        assert list(found.kwargs.values()) == [dimension.removeprefix("tag."), name]
    else:
        assert found.url_name == f"{dimension}-profile"
        assert name in found.kwargs.values()


@pytest.mark.parametrize(
    ("dimension", "value", "address"),
    [("agent", "", "/?period=30d&agent="), ("key", "production", "/?period=30d&key=production"),
     ("run", "r-1", "/runs/r-1"), ("session", "s 1", "/sessions/s%201"), ("run", "", "/?period=30d&run=")],
)  # fmt: skip
def test_nobody_and_keys_have_no_profile_but_the_overview_of_them(dimension, value, address):
    assert profile_url(dimension, value) == address


@pytest.mark.usefixtures("now")
@pytest.mark.parametrize(
    "name", ["..", "a/../b", "a\\b", "x.csv", "a\nb", "100%", "a?b=c", "#top", "ü/ß", " a ", "new"]
)
def test_links_of_pages_lead_to_what_they_name(client, send, name):
    send(entry(run_id=name, session_id=name, agent_id=name, cost="3.21"))
    fold_all()
    for by, page in (("run", "/?by=run"), ("run", "/explore?by=run"), ("session", "/explore?by=session")):
        html = client.get(page).content.decode()
        (link,) = {link for link in links(html) if link.startswith((f"/{by}s/", f"/{by}?"))}
        answer = client.get(link)
        assert answer.status_code == 200, link
        assert "$3.21" in text(answer.content.decode())
