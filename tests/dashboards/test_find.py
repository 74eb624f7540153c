"""From an id to its page: by its address or by the search, for those whose it is."""

import pytest

from costwatch.dashboards.addresses import call_url, run_url
from tests.dashboards.page import body, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


@pytest.mark.parametrize(
    "name", ["a/b", "../x", "..", ".", "a//b", "x.csv", "ü &?#%", "a\\b", "é" * 200, "/", "a/../b"]
)
def test_any_id_has_an_address_that_leads_to_it(client, send, name):
    send(entry(name, run_id=name, cost="1"))
    assert body(client, run_url(name)).count("This run cost")
    assert body(client, call_url(name)).count("This call cost")


def test_what_nobody_knows_is_not_found(client, month):
    for address in ("/runs/nothing", "/calls/nothing", "/run", "/call?id=%00", "/runs/%00"):
        assert client.get(address).status_code == 404


def test_strangers_find_nothing(stranger, send, now):
    send(entry("c-1", run_id="r-1"))
    assert stranger.get("/runs/r-1").status_code == stranger.get("/calls/c-1").status_code == 404
    assert b"r-1" not in stranger.get("/runs.csv").content


@pytest.mark.parametrize(
    ("name", "address"),
    [("r-1", "/runs/r-1"), (" s-1 ", "/sessions/s-1"), ("c-1", "/calls/c-1"), ("..", "/run?id=.."), ("\0", "/runs"),
     ("", "/runs"), ("r-404", "/runs")],
)  # fmt: skip
def test_an_id_opens_what_it_is_the_id_of(client, send, name, address):
    send(entry(event_id="c-1", run_id="r-1", session_id="s-1"), entry(run_id=".."))
    response = client.get("/find", {"id": name})
    assert (response.status_code, response["Location"]) == (302, address)


def test_an_id_that_nothing_has_is_told_and_nobody_elses_is_found(client, stranger, send):
    send(entry(run_id="r-1"))
    assert "knows no run, session or event with the id “<b>”" in text(
        client.get("/find", {"id": "<b>"}, follow=True).content.decode().replace("&lt;b&gt;", "&amp;lt;b&amp;gt;")
    ).replace("&lt;", "<").replace("&gt;", ">")
    assert stranger.get("/find", {"id": "r-1"})["Location"] == "/runs"
    assert "knows no run" not in client.get("/find", {"id": " "}, follow=True).content.decode()
