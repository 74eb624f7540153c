"""Every malformed and hostile request gets the answer it must get, stores what it may, and never a 5xx."""

import psycopg
import pytest

from tests.ingest.hostile import Sender, cases, faults

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def sender(server) -> Sender:
    admin = server.key("ingest,read,admin", workspace="bad inputs")
    revoked = server.post("/api/v1/keys", {"name": "gone", "scopes": ["ingest"]}, admin).json()
    keys = {
        "KEY": server.key("ingest", workspace="bad inputs"),
        "READKEY": server.key("read", workspace="bad inputs"),
        "KEYB": server.key("ingest", workspace="others"),
        "REVOKED": revoked["key"],
    }
    assert server.request("DELETE", f"/api/v1/keys/{revoked['id']}", key=admin).status == 204
    return Sender(server.port, keys)


@pytest.fixture(scope="module")
def stored(server):
    """The number of events of the workspace that the cases write to."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        lane = connection.execute("SELECT id FROM accounts_workspace WHERE name = 'bad inputs'").fetchone()[0]
        count = "SELECT count(*) FROM usage_event WHERE lane = %s"
        yield lambda: connection.execute(count, [lane]).fetchone()[0]


@pytest.mark.parametrize("case", cases("json_batch"), ids=lambda case: case["name"])
def test_hostile_events(case, sender, stored):
    before = stored()
    answers = sender.run(case, "/api/v1/events")
    assert faults(case, answers, stored() - before) == [], (case["why"], [a[:2] for a in answers][:3])


@pytest.mark.parametrize("path", ["/api/v1/spend", "/api/v1/events"])
@pytest.mark.parametrize("case", cases("query"), ids=lambda case: case["name"])
def test_hostile_queries(case, path, sender, stored):
    answers = sender.run(case, path)
    assert faults(case, answers, 0) == [], (case["why"], [a[:2] for a in answers][:3])
