"""`GET /api/v1/export/{events|spend}.{csv|parquet|ndjson}`."""

import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO

import pyarrow.parquet as pq
import pytest
import time_machine
from django.test import Client
from rest_framework.exceptions import Throttled

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.api import export
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.api.conftest import caller
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOVEMBER = "from=2026-11-01&to=2026-12-01"
ADDRESSES = [
    f"/api/v1/export/{content}.{kind}" for content in ("events", "spend") for kind in ("csv", "ndjson", "parquet")
]


@pytest.fixture
def spent(workspace):
    record(workspace.lane, [
        entry("e-1", agent_id="triage", cost="12.34", tags={"team": "ops"}),
        entry("e-2", agent_id='=HYPERLINK("https://evil.example")', cost="0.000000000001", minutes=5),
        entry("e-3", agent_id=None, model="mystery", cost=None, upper_bound=Decimal("1.5"), minutes=24 * 60),
    ])  # fmt: skip
    fold_all()


def read(response) -> list[dict]:
    """The rows of a file, numbers as text where the format has them so."""
    assert response.status_code == 200, response.content
    content = b"".join(response.streaming_content)
    kind = response["Content-Type"].split(";")[0]
    if kind == "text/csv":
        return list(csv.DictReader(StringIO(content.decode(), newline="")))
    if kind == "application/x-ndjson":
        return [json.loads(line) for line in content.splitlines()]
    return pq.read_table(BytesIO(content)).to_pylist()


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_every_format_holds_the_same_exact_sums(client, get, spent, kind):
    rows = read(client.get(f"/api/v1/export/spend.{kind}?{NOVEMBER}&group_by=agent&bucket=day"))
    answer = get("/api/v1/spend", **{"from": "2026-11-01", "to": "2026-12-01", "group_by": "agent", "bucket": "day"})
    assert len(rows) == 3
    for row, group in zip(rows, answer["groups"], strict=True):
        for name in ("cost_usd", "error_cost_usd", "unpriced_upper_bound_usd"):
            assert Decimal(row[name]) == Decimal(group[name])
        for name in ("events", "calls", "runs", "input_tokens", "unpriced_calls", "usage_unknown_calls"):
            assert int(row[name]) == group[name]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == Decimal(answer["total"]["cost_usd"])


def test_buckets_begin_in_the_zone_that_was_asked_for(client, spent):
    rows = read(client.get(f"/api/v1/export/spend.csv?{NOVEMBER}&bucket=day"))
    assert rows[0]["bucket"] == "2026-11-18T00:00:00+01:00"
    rows = read(client.get(f"/api/v1/export/spend.ndjson?{NOVEMBER}&bucket=day&tz=UTC"))
    assert rows[0]["bucket"] == "2026-11-18T00:00:00Z"


@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_every_format_holds_the_same_events(client, get, spent, kind):
    rows = read(client.get(f"/api/v1/export/events.{kind}?{NOVEMBER}"))
    listed = get("/api/v1/events", **{"from": "2026-11-01", "to": "2026-12-01", "order": "time"})["items"]
    assert [row["event_id"] for row in rows] == [event["event_id"] for event in listed] == ["e-1", "e-2", "e-3"]
    assert [Decimal(row["cost_usd"]) if row["cost_usd"] else None for row in rows] == [
        Decimal("12.34"), Decimal("0.000000000001"), None]  # fmt: skip
    assert json.loads(rows[0]["tags"]) == {"team": "ops"}


def test_a_spreadsheet_finds_no_formula_and_other_programs_the_name_as_sent(client, spent):
    rows = read(client.get(f"/api/v1/export/events.csv?{NOVEMBER}"))
    assert rows[1]["agent_id"] == '\'=HYPERLINK("https://evil.example")'
    rows = read(client.get(f"/api/v1/export/events.ndjson?{NOVEMBER}"))
    assert rows[1]["agent_id"] == '=HYPERLINK("https://evil.example")'


@pytest.mark.parametrize(
    ("query", "ids"),
    [("agent=triage", ["e-1"]), ("agent=", ["e-3"]), ("agent!=triage", ["e-2", "e-3"]), ("tag.team=ops", ["e-1"]),
     ("agent=nobody", []), ("model=mystery", ["e-3"])],
)  # fmt: skip
def test_filters_are_those_of_the_api(client, spent, query, ids):
    assert [row["event_id"] for row in read(client.get(f"/api/v1/export/events.csv?{NOVEMBER}&{query}"))] == ids


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_file_is_a_streamed_download_whatever_the_client_accepts(client, spent, address):
    response = client.get(address, headers={"Accept": "text/csv"})
    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Disposition"] == f'attachment; filename="{address.rsplit("/", 1)[1]}"'
    assert response["Cache-Control"] == "private, no-store"
    read(response)


@pytest.mark.parametrize(
    ("address", "status", "field"),
    [("spend.csv?group_by=nonsense", 400, "group_by"), ("spend.csv?bucket=fortnight", 400, "bucket"),
     ("spend.csv?limit=0", 400, "limit"), ("events.csv?tz=Mars", 400, "tz"), ("events.csv?from=never", 400, "from"),
     ("events.csv?agent=%00", 400, "agent"), ("events.xlsx", 404, None), ("focus.csv", 404, None)],
)  # fmt: skip
def test_what_cannot_be_answered_says_so_before_the_file_begins(client, spent, address, status, field):
    response = client.get(f"/api/v1/export/{address}")
    assert response.status_code == status
    assert response.json()["error"]["field"] == field
    assert not AuditEntry.objects.filter(action=export.ACTION).exists()


def test_each_export_is_noted_with_its_question(client, workspace, spent):
    read(client.get(f"/api/v1/export/events.csv?{NOVEMBER}&agent=triage"))
    noted = AuditEntry.objects.get(action=export.ACTION)
    assert (noted.workspace, noted.subject) == (workspace, "events.csv")
    assert noted.facts == {"query": f"{NOVEMBER}&agent=triage"}
    assert noted.actor.startswith("key read")


def test_more_than_so_many_a_minute_are_asked_to_wait(client, workspace, spent):
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(export.MOST):
            read(client.get("/api/v1/export/spend.csv"))
        refused = client.get("/api/v1/export/spend.csv")
        assert (refused.status_code, refused["Retry-After"]) == (429, "60")
        assert refused.json()["error"]["message"].startswith("At most 20 exports")
        other = caller(Workspace.objects.create(name="Somebody else"), "read")
        assert read(other.get("/api/v1/export/spend.csv")) == [], "each workspace has its own"
        clock.shift(61)
        read(client.get("/api/v1/export/spend.csv"))


def test_slow_readers_leave_room_for_others(client, spent):
    held = [client.get("/api/v1/export/events.csv") for _ in range(export.AT_ONCE)]
    refused = client.get("/api/v1/export/events.csv")
    assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert AuditEntry.objects.filter(action=export.ACTION).count() == export.AT_ONCE
    for response in held:
        assert len(read(response)) == 3
    assert len(read(client.get(f"/api/v1/export/events.csv?{NOVEMBER}"))) == 3


def test_a_reader_that_goes_away_gives_its_place_back_once():
    def parts():
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append(True)

    ended: list[bool] = []
    running = [export.Running(parts()) for _ in range(export.AT_ONCE)]
    with pytest.raises(Throttled):
        export.Running(parts())
    assert next(iter(running[0])) == b"a"
    running[0].close()
    running[0].close()
    assert ended == [True], "what was read is ended"
    again = export.Running(parts())
    with pytest.raises(Throttled):
        export.Running(parts())
    again.close()
    del running  # a server that forgets to close
    export.Running(parts()).close()


def test_a_key_that_only_sends_may_not_and_a_viewer_may(workspace, spent):
    assert caller(workspace, "ingest").get("/api/v1/export/events.csv").status_code == 403
    client = Client()
    client.force_login(Member.objects.create(workspace=workspace, email="v@larkfield.example", role="viewer"))
    assert len(read(client.get(f"/api/v1/export/events.csv?{NOVEMBER}"))) == 3


def test_nobody_elses_calls_are_in_it(spent):
    other = caller(Workspace.objects.create(name="Somebody else"), "read")
    assert read(other.get(f"/api/v1/export/events.csv?{NOVEMBER}")) == []
    assert read(other.get(f"/api/v1/export/spend.csv?{NOVEMBER}&group_by=agent")) == []


def test_the_route_is_described(get):
    described = get("/api/schema")["paths"]["/api/v1/export/{content}.{kind}"]["get"]
    assert described["operationId"] == "export"
    assert {"content", "kind", "group_by", "bucket", "agent"} <= {p["name"] for p in described["parameters"]}
    assert "application/vnd.apache.parquet" in described["responses"]["200"]["content"]
