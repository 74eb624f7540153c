"""`GET /api/v1/compare`, and its answer for pipelines."""

from datetime import timedelta

import pytest
from django.utils import timezone

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.api.conftest import caller
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
ASKED = {"baseline": "t@1", "candidate": "t@2"}


@pytest.fixture
def releases(workspace):
    """Forty runs of each, the second half as dear again, an hour ago."""
    sent = [
        entry(run_id=f"{release}/{n}", release=release, cost=f"{cost}.{n % 10}")
        for release, cost in (("t@1", 10), ("t@2", 15))
        for n in range(40)
    ]
    for call in sent:
        call.timestamp = timezone.now() - timedelta(hours=1)
    record(workspace.lane, sent)
    fold_all()


def test_both_sides_their_intervals_and_the_verdict(get, releases):
    found = get("/api/v1/compare", **ASKED)
    assert (found["dimension"], found["by"], found["verdict"], found["exit_code"]) == ("release", "run", "worse", 1)
    assert found["baseline"] == {"value": "t@1", "units": 40, "left_out": 0, "calls": 40,
                                 "cost_usd": "418.000000000000", "p50_usd": "10.400000000000",
                                 "p90_usd": "10.800000000000"}  # fmt: skip
    cost = found["measures"]["cost_per_run"]
    assert cost["baseline"]["value"] == 10.45 and cost["baseline"]["low"] < 10.45 < cost["baseline"]["high"]
    assert 0.45 < cost["difference"]["low"] < cost["difference"]["high"] < 0.51
    assert found["deciding"] == ["cost_per_run", "error_rate"]


def test_a_pipeline_gets_the_exit_code_alone(client, releases):
    answer = client.get("/api/v1/compare", {**ASKED, "answer": "exit_code"})
    assert (answer.content, answer["Content-Type"]) == (b"1\n", "text/plain")
    turned = {"baseline": "t@2", "candidate": "t@1", "answer": "exit_code", "deciding": "cost_per_run"}
    assert client.get("/api/v1/compare", turned).content == b"0\n"
    assert client.get("/api/v1/compare", {**ASKED, "candidate": "t@9", "answer": "exit_code"}).content == b"2\n"


def test_the_tolerance_is_the_callers(get, releases):
    assert get("/api/v1/compare", **ASKED, tolerance="0.6", deciding="cost_per_run")["verdict"] == "no_difference"


@pytest.mark.parametrize(
    ("params", "field"),
    [({"baseline": "a"}, "candidate"), ({"candidate": "a"}, "baseline"), ({**ASKED, "dimension": "user"}, "dimension"),
     ({**ASKED, "dimension": "nonsense"}, "dimension"), ({**ASKED, "tolerance": "x"}, "tolerance"),
     ({**ASKED, "tolerance": "nan"}, "tolerance"), ({**ASKED, "tolerance": "-1"}, "tolerance"),
     ({**ASKED, "deciding": "beauty"}, "deciding"), ({**ASKED, "answer": "xml"}, "answer"),
     ({**ASKED, "from": "yesterday"}, "from"), ({"baseline": "a\0", "candidate": "b"}, "baseline")],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(client, params, field):
    answer = client.get("/api/v1/compare", params)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["field"] == field


def test_another_workspaces_releases_are_nothing_here(releases):
    other = Workspace.objects.create(name="Other")
    found = caller(other, "read").get("/api/v1/compare", ASKED).json()
    assert (found["baseline"]["units"], found["verdict"]) == (0, "too_little_data")
