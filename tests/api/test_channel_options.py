"""What goes over a channel and when, over the API: kept as asked, changed one by one, refused by name."""

import json

import pytest

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.alerts.models import Channel
from tests.api.conftest import caller
from tests.api.test_lists import pages

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
PLAIN = {"kind": "email", "name": "finance", "to": ["a@l.example"]}
DEFAULTS = {"kinds": [], "quiet_from": None, "quiet_until": None, "time_zone": "", "escalate_to": None,
            "escalate_minutes": None, "renotify_minutes": None, "enabled": True, "disabled_reason": ""}  # fmt: skip
GOOD = [
    ("name", "the finance team", "the finance team"), ("min_severity", "critical", "critical"),
    ("kinds", ["budget", "loop"], ["budget", "loop"]), ("kinds", [], []), ("is_default", False, False),
    ("time_zone", "Asia/Kathmandu", "Asia/Kathmandu"), ("time_zone", "", ""), ("renotify_minutes", 1, 1),
    ("renotify_minutes", 7 * 24 * 60, 10_080), ("renotify_minutes", None, None),
    ("to", ["b@l.example"], ["b@l.example"]),
]  # fmt: skip
BAD = [
    ("name", ""), ("name", " "), ("name", "x" * 201), ("name", "a\0b"), ("name", 5), ("name", []),
    ("min_severity", ""), ("min_severity", "info"), ("min_severity", 3), ("kinds", "loop"), ("kinds", ["nothing"]),
    ("kinds", [{}]), ("kinds", {"loop": 1}), ("is_default", "yes"), ("is_default", 1), ("quiet_from", "25:00"),
    ("quiet_from", "late"), ("quiet_from", 22), ("quiet_from", "22:00+01:00"), ("renotify_minutes", 0),
    ("renotify_minutes", 10_081), ("renotify_minutes", "60"), ("renotify_minutes", 1.5), ("renotify_minutes", True),
    ("escalate_to", 0), ("escalate_to", -1), ("escalate_to", 2**70), ("escalate_to", "x"), ("escalate_to", True),
    ("to", "a@l.example@"), ("to", ["nobody"]), ("to", [5]), ("enabled", "no"), ("kind", "webhook"), ("kind", "pigeon"),
]  # fmt: skip


@pytest.fixture
def admin(workspace):
    return caller(workspace, "admin", "read")


@pytest.fixture
def made(admin) -> dict:
    answer = admin.post("/api/v1/channels", PLAIN, "application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def patch(admin, channel: dict, **fields):
    return admin.patch(f"/api/v1/channels/{channel['id']}", json.dumps(fields), "application/json")


def test_a_channel_of_which_nothing_is_said_has_the_usual_options(made):
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert (made["name"], made["kind"], made["to"], made["min_severity"]) == (
        "finance", "email", ["a@l.example"], "alarm")  # fmt: skip


@pytest.mark.parametrize(("field", "value", "kept"), GOOD)
def test_an_option_changes_alone_and_is_audited_once(admin, made, field, value, kept):
    changed = patch(admin, made, **{field: value})
    assert changed.status_code == 200, changed.content
    assert changed.json() == {**made, field: kept}
    assert admin.get(f"/api/v1/channels/{made['id']}").json() == changed.json()
    assert patch(admin, made, **{field: value}).json() == changed.json(), "again, it changes nothing"
    changes = AuditEntry.objects.filter(action="channel.changed").count()
    assert changes == (0 if made[field] == kept else 1)


@pytest.mark.parametrize(("field", "value"), BAD)
def test_what_an_option_cannot_be_is_refused_by_its_name_and_nothing_changes(admin, made, field, value):
    refused = patch(admin, made, **{"name": "other", field: value})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)
    assert admin.get(f"/api/v1/channels/{made['id']}").json() == made
    assert not AuditEntry.objects.filter(action="channel.changed").exists()


@pytest.mark.parametrize("fields", [{"quiet_from": "22:00"}, {"quiet_until": "06:00"}, {"escalate_minutes": 30}])
def test_what_needs_another_option_is_refused_without_it(admin, made, fields):
    refused = patch(admin, made, **fields)
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] in ("quiet_until", "escalate_minutes")


@pytest.mark.parametrize(
    ("start", "end"), [("22:00", "06:30"), ("00:00", "23:59"), ("09:00:00", "17:00"), ("7:00", None)]
)
def test_quiet_hours_have_a_beginning_and_an_end(admin, made, start, end):
    answer = patch(admin, made, quiet_from=start, quiet_until=end)
    if end is None:
        assert answer.status_code == 422
        return
    assert (answer.json()["quiet_from"], answer.json()["quiet_until"]) == (start[:5], end[:5])
    assert patch(admin, made, quiet_from=None, quiet_until=None).json() == made


def test_a_channel_escalates_to_another_one_of_the_workspace(admin, made):
    second = admin.post("/api/v1/channels", {**PLAIN, "name": "on call"}, "application/json").json()
    told = patch(admin, made, escalate_to=second["id"], escalate_minutes=15).json()
    assert (told["escalate_to"], told["escalate_minutes"]) == (second["id"], 15)
    assert patch(admin, second, escalate_to=second["id"], escalate_minutes=5).status_code == 422, "not to itself"
    foreign = Channel.objects.create(
        workspace=Workspace.objects.create(name="Else"), kind="email", name="x", sealed="x"
    )
    assert patch(admin, second, escalate_to=foreign.pk, escalate_minutes=5).status_code == 422
    assert admin.delete(f"/api/v1/channels/{second['id']}").status_code == 204
    left = admin.get(f"/api/v1/channels/{made['id']}").json()
    assert (left["escalate_to"], left["escalate_minutes"]) == (None, None)


def test_a_channel_that_was_taken_away_is_nowhere_and_stays_in_the_log(admin, made):
    path = f"/api/v1/channels/{made['id']}"
    assert admin.delete(path).status_code == 204
    for method, where in (("get", path), ("patch", path), ("delete", path), ("post", f"{path}/test"),
                          ("post", f"{path}/rotate")):  # fmt: skip
        assert getattr(admin, method)(where, content_type="application/json").status_code == 404
    assert admin.get("/api/v1/channels").json()["items"] == []
    assert [e.action for e in AuditEntry.objects.order_by("id")] == ["channel.created", "channel.deleted"]


def test_one_made_switched_off_is_off_until_it_is_switched_on(admin):
    made = admin.post("/api/v1/channels", {**PLAIN, "enabled": False}, "application/json").json()
    assert (made["enabled"], made["disabled_reason"]) == (False, "")
    assert patch(admin, made, enabled=True).json()["enabled"] is True
    assert patch(admin, made, enabled=True).json()["enabled"] is True
    assert patch(admin, made, enabled=None).json()["enabled"] is True
    actions = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert actions == ["channel.created", "channel.enabled"]


def test_the_list_is_by_name_and_goes_on_with_its_cursor(admin):
    names = ["b", "a", "C", "ä", "10", "9", "a"]
    for name in names:
        admin.post("/api/v1/channels", {**PLAIN, "name": name}, "application/json")

    def get(address, **params):
        return admin.get(address, params).json()

    found = [item["id"] for item in pages(get, "/api/v1/channels", limit="2")]
    assert found == [item["id"] for item in get("/api/v1/channels")["items"]]
    assert len(set(found)) == len(found) == len(set(names)), "a name is taken once"
