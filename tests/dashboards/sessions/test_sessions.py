"""The pages of sessions: list, paths, the bill for history, one conversation."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.dashboards.addresses import session_url
from costwatch.dashboards.sessions import views
from costwatch.pricing import book, catalogue
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")
EMPTY = "A call belongs to a session (a conversation) when its event carries a session_id"


def body(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def prices(db):
    catalogue.sync()
    book.forget()
    yield
    book.forget()


@pytest.fixture
def talks(send) -> None:
    """Two conversations: one that stays with triage, one that goes on to reasoning and back."""
    send(
        entry(minutes=-9, session_id="s-1", agent_id="triage", cost="0.01", run_id="r-1", user_id="u-1"),
        entry(minutes=-8, session_id="s-2", agent_id="triage", cost="0.02", run_id="r-2", model="gpt-5-mini",
              input_tokens=1000, output_tokens=100),
        entry(minutes=-7, session_id="s-2", agent_id="reasoning", cost="1.5", run_id="r-3", model="gpt-5",
              input_tokens=4000, output_tokens=500, tags={"customer": "Orbit"}, task="refund"),
        entry(minutes=-6, session_id="s-2", agent_id="reasoning", cost="2.5", run_id="r-3", model="gpt-5",
              input_tokens=5000, output_tokens=500, error=True),
        entry(minutes=-5, session_id="s-2", agent_id="triage", cost="0.02", run_id="r-4", model="gpt-5-mini",
              input_tokens=1500, output_tokens=100),
    )  # fmt: skip


def test_sessions_stand_dearest_first_with_their_paths(client, talks):
    html = body(client, "/sessions")
    assert [cells[0] for cells in rows(html) if cells[0].startswith("s-")] == ["s-2", "s-1"]
    assert row(html, "s-2")[2:7] == ["$4.04", "triage → reasoning", "4", "3", "1"]
    said = text(html)
    assert "Sessions 2" in said
    assert "Spend in sessions $4 .05" in said
    assert "Median session $0.0100" in said
    assert figure(html)["data"][0]["y"] == [1, 0, 0, 0, 0, 0, 0, 1]
    assert figure(html)["layout"]["yaxis"]["dtick"] == 1, "no halves of a session"
    assert row(html, "$2 – $5")[1:] == ["1", "50.0 %", "$4.04"]
    assert "Looked at" not in said


def test_sessions_that_all_cost_alike_need_no_chart(client, send):
    send(entry(session_id="s-1", cost="0.3"), entry(session_id="s-2", cost="0.4"), entry(session_id="s-3", cost=None))
    html = body(client, "/sessions")
    assert "cost-chart" not in html
    assert "Sessions 3" in text(html)


def test_the_list_follows_period_filters_and_order(client, talks):
    assert "s-2" not in text(body(client, "/sessions?user=u-1"))
    assert rows(body(client, "/sessions?sort=cost"))[-2][0] == "s-1"
    assert EMPTY in text(body(client, "/sessions?first=2020-01-01"))
    assert "match these filters" in text(body(client, "/sessions?agent=nobody"))
    assert client.get("/sessions?period=x").status_code == 400
    assert "/session-paths?user=u-1" in links(body(client, "/sessions?user=u-1")), "the tabs keep the filter"


def test_more_sessions_than_fit_come_in_pages(client, send):
    send(*(entry(session_id=f"s-{n:03}", cost=str(n + 1)) for n in range(60)))
    html = body(client, "/sessions")
    assert "/sessions?page=2" in links(html)
    second = body(client, "/sessions?page=2")
    assert [cells[0] for cells in rows(second) if cells[0].startswith("s-")] == [f"s-{n:03}" for n in range(9, -1, -1)]
    assert "/sessions?page=3" not in links(second)
    for odd in ("0", "x", "9999999999"):
        assert client.get(f"/sessions?page={odd}").status_code == 200


def test_a_bounded_look_says_so(client, talks, monkeypatch):
    for module, address in (("sessions", "/sessions"), ("session_paths", "/session-paths"), ("resend", "/resend")):
        monkeypatch.setattr(f"costwatch.spend.{module}.MOST_EVENTS", 1)
        assert "Looked at are the newest calls, since Wed 18 Nov 2026 14:00:00" in text(body(client, address))


def test_the_csv_of_sessions_has_all_digits(client, send):
    send(entry(session_id="=s", cost="0.000000123456"))
    table = list(csv.DictReader(StringIO(client.get("/sessions.csv").content.decode())))
    assert (table[0]["session_id"], table[0]["cost_usd"]) == ("'=s", "0.000000123456")


def test_a_file_of_sessions_that_ends_before_the_list_says_so(client, send, monkeypatch):
    send(*(entry(session_id=f"s-{n}", cost=str(n + 1)) for n in range(3)))
    assert client.get("/sessions.csv")["Content-Disposition"].endswith('-2026-11-18.csv"')
    assert "CSV, at most" not in body(client, "/sessions")
    monkeypatch.setattr("costwatch.dashboards.sessions.listing.ROWS", 2)
    assert "CSV, at most 1,000" in body(client, "/sessions")
    for module in ("sessions.listing", "csv"):
        monkeypatch.setattr(f"costwatch.dashboards.{module}.MOST_ITEMS", 2)
    cut = client.get("/sessions.csv")
    assert [line["session_id"] for line in csv.DictReader(StringIO(cut.content.decode()))] == ["s-2", "s-1"]
    assert "-2026-11-18-first-2.csv" in cut["Content-Disposition"]


def test_paths_say_how_many_escalate_and_what_each_hop_costs(client, talks):
    html = body(client, "/session-paths")
    said = text(html)
    assert "50.0 % of 2 sessions get to reasoning : a session there costs $4.04 , $4.00 of it on this hop" in said
    assert "one that never gets there costs $0.0100" in said
    assert "The hop is 99 % of what sessions cost." in said
    assert "triage $0.0400 reasoning $4.00" in said
    assert row(html, "All sessions")[1:] == ["2", "", "$2.02", "", "$4.05"]
    assert row(html, "reasoning")[1:] == ["1", "", "50.0 %", "0", "2.0", "$4.00", "$4.00", "98.8 %"]
    assert "/agents/reasoning" in links(html)
    assert "gpt-5-mini" in text(body(client, "/session-paths?by=model"))


def read_csv(client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(address).content.decode())))


def test_paths_and_the_bill_are_there_as_csv_with_all_digits(client, talks, prices):
    hops = read_csv(client, "/session-paths.csv")
    assert [(hop["agent"], Decimal(hop["hop_cost_usd"])) for hop in hops if hop["hop"] == "2"] == [("reasoning", 4)]
    assert sum(Decimal(hop["hop_cost_usd"]) for hop in hops) == Decimal("4.05")
    line = next(row for row in read_csv(client, "/resend.csv") if row["agent"] == "reasoning")
    assert (line["input_tokens"], line["resent_tokens"]) == ("9000", "4500")
    assert Decimal(line["history_cost_usd"]) == Decimal(line["input_cost_usd"]) / 2
    assert read_csv(client, "/session-paths.csv?by=model&agent=reasoning")[0]["model"] == "gpt-5"


def test_without_a_second_hop_nothing_escalates(client, send):
    send(entry(session_id="s-1"))
    assert "Nothing escalates" in text(body(client, "/session-paths"))
    assert EMPTY in text(body(client, "/session-paths?first=2020-01-01"))


def test_history_has_a_bill(client, talks, prices):
    html = body(client, "/resend")
    said = text(html)
    assert "Up to 44 % of the input was sent before" in said  # (4500 + 1100) of 12,700 + s-1
    assert row(html, "reasoning gpt-5")
    assert "Read from the provider's cache" in said
    assert "How this is reckoned" in said
    assert "History can be told from calls" in text(body(client, "/resend?first=2020-01-01"))


def test_history_without_prices_has_tokens_and_no_bill(client, talks):
    said = text(body(client, "/resend"))
    assert "No price is known of these calls" in said
    assert "calls without a price are in the tokens" in said


def test_a_session_shows_the_way_it_took(client, talks):
    html = body(client, session_url("s-2"))
    said = text(html)
    assert "This session cost $4.04 in 4 calls and 3 runs . Up to 49 % of its input was sent before." in said
    hops = [cells for cells in rows(html) if len(cells) == 9]
    assert [cells[0] for cells in hops] == ["1", "2–3", "4"]
    assert [cells[2] for cells in hops] == ["triage", "reasoning", "triage"]
    assert hops[1][4:] == ["1", "9,000", "4,500", "", "$4.0000"]
    assert row(html, "r-3")[2:5] == ["$4.0000", "reasoning", "2"]
    assert figure(html)["data"][0]["y"][-1] == pytest.approx(4.04)
    assert {"/runs/r-3", "/tasks/refund"} <= set(links(html))


def test_an_unpriced_session_is_no_free_one(client, send):
    send(entry(session_id="s-1", cost=None, upper_bound=Decimal("0.4")))
    html = body(client, "/sessions/s-1")
    assert "1 of 1 call unpriced: at most $0.40 more" in text(html)
    assert "cost-chart" not in html
    assert "unpriced" in row(body(client, "/sessions"), "s-1")


def test_a_very_long_session_says_what_it_leaves_out(client, send, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.sessions.session_page.MOST_CALLS", 3)
    monkeypatch.setattr("costwatch.dashboards.sessions.session_page.MOST_HOPS", 2)
    send(*(entry(minutes=n, session_id="s-1", cost="1", agent_id=f"a-{n}") for n in range(5)))
    said = text(body(client, "/sessions/s-1"))
    assert "This session cost $5.00 in 5 calls" in said
    assert "The first 3 of 5 calls are looked at below" in said
    assert "1 more hops are not shown here" in said


@pytest.mark.parametrize("name", ["..", "a\nb", "x.csv", "<b>", "a/b", "back\\slash"])
def test_every_session_has_a_page_of_its_own(client, send, name):
    send(entry(session_id=name, cost="7"))
    assert "This session cost $7.00" in text(body(client, session_url(name)))


def test_unknown_sessions_have_none(client, stranger, talks):
    for address in ("/sessions/s-404", "/session", "/session?id=%00"):
        assert client.get(address).status_code == 404
    assert stranger.get("/sessions/s-1").status_code == 404


def hops(client, address="/sessions/s-2.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, address), newline="")))


def test_the_way_of_a_session_is_a_file_with_all_digits(client, stranger, talks):
    first, second, third = hops(client)
    assert [hop["agent"] for hop in (first, second, third)] == ["triage", "reasoning", "triage"]
    assert (second["hop"], second["first_call"], second["last_call"], second["calls"]) == ("2", "2", "3", "2")
    assert (second["model"], second["errors"], second["input_tokens"]) == ("gpt-5", "1", "9000")
    assert (second["sent_again_tokens"], second["cost_usd"]) == ("4500", "4.000000000000")
    assert first["began"] == "2026-11-18T13:24:07.123456Z"
    assert "/sessions/s-2.csv" in links(body(client, "/sessions/s-2"))
    assert 'filename="session-s-2.csv"' in client.get("/sessions/s-2.csv")["Content-Disposition"]
    assert hops(client, "/session.csv?id=s-2") == [first, second, third]
    for address in ("/sessions/s-404.csv", "/session.csv", "/session.csv?id=%00"):
        assert client.get(address).status_code == 404
    assert stranger.get("/sessions/s-2.csv").status_code == 404


def test_the_file_of_a_session_has_the_hops_that_the_page_has_no_room_for(client, send, monkeypatch):
    send(*(entry(f"c{n}", minutes=n, session_id="s-9", agent_id=f"a{n % 2}", cost="0.1") for n in range(1, 71)))
    assert "10 more hops are not shown here" in text(body(client, "/sessions/s-9"))
    assert len(hops(client, "/sessions/s-9.csv")) == 70
    monkeypatch.setattr(views, "MOST_CALLS", 3)
    assert len(hops(client, "/sessions/s-9.csv")) == 3
    assert 'filename="session-s-9-first-3.csv"' in client.get("/sessions/s-9.csv")["Content-Disposition"]
    assert "CSV of the first 3 calls" in body(client, "/sessions/s-9")
