"""The releases page: what is compared where nothing is said, the verdict in words, the same numbers as the API."""

import csv
import io
import re

import pytest

from costwatch.ledger.fold import fold_all
from tests.api.conftest import caller
from tests.dashboards.page import as_read, rows
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
DAY = 24 * 60


@pytest.fixture
def two(send):
    """Forty runs each of two releases of one agent, the later one half as dear again; one of another agent between."""
    for release, cost, day in (("t@1", 10, -6), ("c@7", 99, -5), ("t@2", 15, -3)):
        send(*(entry(run_id=f"{release}/{n}", release=release, cost=f"{cost}.{n % 10}", minutes=day * DAY + n)
               for n in range(40 if release != "c@7" else 3)))  # fmt: skip
    fold_all()


def text(client, address="/releases", **params):
    response = client.get(address, params)
    assert response.status_code == 200, response.content[:500]
    return response.content.decode()


def test_the_newest_release_is_held_against_the_one_before_it_of_the_same_agent(client, two):
    page = text(client)
    assert '<option value="t@2" selected>' in page and '<option value="t@1" selected>' in page
    assert "t@2 is worse" in page and "40 runs of t@1 and 40 runs of t@2 were compared" in page
    assert "Cost per run: +47.8 %" in as_read(page) and "sure to 95 %" in as_read(page)
    assert "exit code 0: no worse, 1: worse, 2: too little data" in page


def test_the_sides_can_be_chosen_and_swapped(client, two):
    page = text(client, baseline="t@2", candidate="t@1")
    assert "t@1 is better" not in page and "too little" not in page.split("Measures")[0].split("verdict")[0]
    assert "Cost per run" in page and "baseline=t%401&amp;candidate=t%402" in page


def test_three_runs_are_too_little(client, two):
    page = text(client, candidate="c@7", baseline="t@1")
    assert "c@7 is not judged: too little data" in page and "too few, or too different" in page


def test_the_numbers_are_those_of_the_api_and_the_csv(client, workspace, two):
    answer = caller(workspace, "read").get(
        "/api/v1/compare", {"baseline": "t@1", "candidate": "t@2", "from": "2026-11-01", "to": "2026-12-01"}
    )
    told = answer.json()["measures"]
    rows = list(csv.DictReader(io.StringIO(text(client, "/releases.csv").lstrip("\ufeff"))))
    assert {row["measure"] for row in rows} == set(told)
    for row in rows:
        for side in ("baseline", "candidate", "difference"):
            for part in ("value", "low", "high"):
                assert float(row[f"{side}_{part}"]) == pytest.approx(told[row["measure"]][side][part])
        assert row["verdict"] == told[row["measure"]]["verdict"]
    page = text(client)
    assert f"+{told['cost_per_run']['difference']['value'] * 100:,.1f} %" in page


def test_without_releases_the_page_says_how_to_send_them(client, month):
    page = text(client)
    assert "No call names its release" in page and '"release": "triage@1.8.2"' in page


def test_one_release_alone_has_nothing_to_be_held_against(client, send):
    send(entry(release="t@1", run_id="r", minutes=-DAY))
    assert "Only one release in" in text(client)


def test_models_and_tags_can_be_compared_too(client, send):
    send(*(entry(model=model, run_id=f"{model}{n}", minutes=-DAY, tags={"variant": model[-1]}, cost=f"{n % 5}.5")
           for model in ("m-a", "m-b") for n in range(40)))  # fmt: skip
    fold_all()
    assert "m-b is" in text(client, dimension="model")
    assert "b is" in text(client, dimension="tag.variant")


def test_the_gate_asks_the_api_for_the_same(client, workspace, two):
    page = text(client, agent="triage")
    address = re.search(r"http://testserver(/api/v1/compare\S+?)(&#x27;|')", page).group(1).replace("&amp;", "&")
    assert "agent=triage" in address and address.endswith("answer=exit_code")
    assert caller(workspace, "read").get(address).content in (b"0\n", b"1\n", b"2\n")


def test_hostile_names_stay_text(client, send):
    evil = "<script>alert(1)</script>'\"@1"
    send(*(entry(release=name, run_id=f"{name}{n}", minutes=-DAY, cost=f"1.{n}") for name in (evil, "ok@1")
           for n in range(3)))  # fmt: skip
    page = text(client)
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert "%27" in page


def test_for_htmx_the_content_comes_alone(client, two):
    page = client.get("/releases", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page and 'id="releases"' in page


@pytest.mark.parametrize("params", [{"dimension": "user"}, {"dimension": "nonsense"}, {"baseline": "a\0b"}])
def test_strange_questions_get_a_page(client, two, params):
    assert "Releases" in text(client, **params)


def test_another_workspace_sees_nothing_of_it(stranger, two):
    assert "t@1" not in stranger.get("/releases").content.decode()


def test_single_calls_are_counted_once_and_in_the_singular(client, send):
    send(entry(model="m-1", run_id="", cost="1"), entry(model="m-2", run_id="", cost="2", minutes=-5))
    page = text(client, dimension="model", baseline="m-1", candidate="m-2")
    assert "1 call of m-1 and 1 call of m-2 are too few" in page
    assert page.count('<th scope="row">Calls</th>') == 1


@pytest.mark.parametrize("cost", ["9.9999", "10.0001"])
def test_a_difference_that_rounds_to_nothing_has_no_sign(client, send, cost):
    for release, each, day in (("t@1", "10", -6), ("t@2", cost, -3)):
        send(*(entry(run_id=f"{release}/{n}", release=release, cost=each, minutes=day * DAY + n) for n in range(40)))
    fold_all()
    page = text(client)
    (measure,) = (cells for cells in rows(page) if cells and cells[0].startswith("Cost per run"))
    assert any(cell.startswith("0.0 %") for cell in measure)
    assert "+0.0" not in page and "−0.0" not in page
