"""A value keeps its colour on every page, today and tomorrow."""

from datetime import timedelta

import pytest
import time_machine

from costwatch.dashboards.colours import SERIES, assign, keep, slots
from costwatch.dashboards.models import SeriesColours
from tests.dashboards.conftest import DAY
from tests.dashboards.page import series
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")
FREE = [""] * SERIES


def test_a_value_keeps_its_slot_while_it_is_among_the_first():
    first = keep(FREE, ["a", "b", "c"])
    assert first == ["a", "b", "c", "", "", "", ""]
    assert keep(first, ["c", "a", "d"]) == ["a", "d", "c", "", "", "", ""], "b went, its slot is d's"


def test_only_seven_own_a_colour():
    assert keep(FREE, list("abcdefgh")) == list("abcdefg")


def test_series_without_a_colour_of_their_own_take_free_ones():
    owned = ["a", "b", "", "", "", "", ""]
    assert assign(["b", "x", "y"], owned) == {"b": "s2", "x": "s1", "y": "s3"}
    assert len(set(assign(list("tuvwxyz"), owned).values())) == 7


def test_colours_stay_when_the_ranking_turns_round(workspace, send):
    send(entry(agent_id="a", cost="5"), entry(agent_id="b", cost="1"))
    assert slots(workspace, "agent", NOW)[:2] == ["a", "b"]
    send(entry(agent_id="b", cost="50"), entry(agent_id="c", cost="20"))
    assert slots(workspace, "agent", NOW)[:3] == ["a", "b", ""], "looked over once a day"
    tomorrow = NOW + timedelta(days=1)
    assert slots(workspace, "agent", tomorrow)[:3] == ["a", "b", "c"]
    assert SeriesColours.objects.get().ranked_on == tomorrow.date()


def test_what_was_not_there_for_90_days_gives_its_colour_back(workspace, send):
    send(entry(agent_id="old", minutes=-80 * DAY, cost="5"))
    assert slots(workspace, "agent", NOW)[0] == "old"
    send(entry(agent_id="new", cost="1"))
    assert slots(workspace, "agent", NOW + timedelta(days=20))[0] == "new"


def test_an_empty_workspace_stores_nothing(workspace):
    assert slots(workspace, "agent", NOW) == FREE
    assert not SeriesColours.objects.exists()


def test_users_own_no_colours(workspace, send):
    send(entry(user_id="u-1"))
    assert slots(workspace, "user", NOW) == FREE


def test_a_filter_does_not_recolour(client, send):
    send(entry(agent_id="a", cost="5"), entry(agent_id="b", cost="1"))
    colours = {t["name"]: t["marker"]["color"] for t in series(client.get("/").content.decode())}
    assert colours == {"a": "--s1", "b": "--s2"}
    only = series(client.get("/?agent=b").content.decode())
    assert [(t["name"], t["marker"]["color"]) for t in only] == [("b", "--s2")]
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        send(entry(agent_id="b", cost="50"))
        again = series(client.get("/").content.decode())
    assert [(t["name"], t["marker"]["color"]) for t in again] == [("b", "--s2"), ("a", "--s1")]
