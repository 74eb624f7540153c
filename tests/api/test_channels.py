# ruff: noqa: F811  fixtures of tests/alerts
"""`/api/v1/channels`: made, listed, changed, tried out, taken away; and what the API tells of deliveries."""

import json

import pytest

from costwatch.accounts.models import AuditEntry
from costwatch.alerts import deliver, incidents
from costwatch.alerts.models import Channel
from costwatch.api.docs import schema
from tests.alerts.conftest import local, opened, sink, webhook  # noqa: F401
from tests.alerts.sinks import answer
from tests.api.conftest import caller
from tests.api.test_incidents import NOW
from tests.api.test_lists import pages
from tests.lib.test_outbound import CASES

pytestmark = pytest.mark.django_db
HOOK = {"kind": "webhook", "name": "ops", "url": "http://127.0.0.1:9/hook/very-secret-part"}


@pytest.fixture
def admin(workspace, local):
    return caller(workspace, "admin")


@pytest.fixture
def send(admin):
    def ask(method, path="", **body):
        return getattr(admin, method)(f"/api/v1/channels{path}", json.dumps(body), content_type="application/json")

    return ask


def test_a_webhook_is_made_and_its_secret_is_shown_this_once(send, get):
    response = send("post", **HOOK)
    made = response.json()
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    assert made["secret"].startswith("whsec_")
    assert made["url"] == "http://127.0.0.1/…part"
    assert get("/api/v1/channels")["items"] == [{k: v for k, v in made.items() if k != "secret"}]
    assert get(f"/api/v1/channels/{made['id']}")["name"] == "ops"
    entry = AuditEntry.objects.get(action="channel.created")
    assert "very-secret" not in json.dumps(entry.facts) and made["secret"] not in json.dumps(entry.facts)


def test_the_answer_is_what_the_description_says(send):
    made = send("post", **HOOK).json()
    described = schema()["components"]["schemas"]
    assert set(made) <= set(described["ChannelMade"]["properties"])


def test_a_mail_channel_shows_its_addresses(send):
    made = send("post", kind="email", name="finance", to=["a@l.example"]).json()
    assert made["to"] == ["a@l.example"]
    assert "secret" not in made


@pytest.mark.parametrize("case", [c for c in CASES if c["expect"] == "deny"], ids=lambda c: c["name"])
def test_an_address_that_must_not_be_called_is_refused(workspace, case):
    kind = "slack" if "Slack" in case["why"] else "webhook"
    body = {"kind": kind, "name": case["name"], "url": case["url"]}
    response = caller(workspace, "admin").post("/api/v1/channels", body, content_type="application/json")
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "url"
    assert not Channel.objects.exists()


@pytest.mark.parametrize("body", [[], "x", 5, None, {"kind": {}}, {"kind": "webhook", "name": {}, "url": []}])
def test_hostile_bodies_are_refused(admin, body):
    response = admin.post("/api/v1/channels", json.dumps(body), content_type="application/json")
    assert 400 <= response.status_code < 500
    assert response.json()["error"]["message"]


def test_a_change_is_audited_and_switching_off_and_on_as_well(send):
    made = send("post", **HOOK).json()
    path = f"/{made['id']}"
    changed = send("patch", path, name="night", quiet_from="22:00", quiet_until="07:00", enabled=False).json()
    assert (changed["name"], changed["quiet_from"], changed["enabled"]) == ("night", "22:00", False)
    assert send("patch", path, enabled=True).json()["enabled"] is True
    assert send("patch", path, kind="slack").status_code == 422
    assert send("patch", path, enabled="yes").status_code == 422
    assert send("delete", path).status_code == 204
    assert send("delete", path).status_code == 404
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [f"channel.{what}" for what in ("created", "changed", "disabled", "enabled", "deleted")]


def test_the_list_comes_in_pages(send, get):
    for number in range(7):
        send("post", **{**HOOK, "name": f"c{number}"})
    assert [item["name"] for item in pages(get, "/api/v1/channels", limit=3)] == [f"c{n}" for n in range(7)]


def test_a_test_message_says_what_was_answered(send, sink):
    good, bad = sink(), sink(answer(503, "not now"))
    for name, behind, said in (
        ("good", good, {"ok": True, "status": 200, "answer": "ok"}),
        ("bad", bad, {"ok": False, "status": 503, "answer": "not now"}),
    ):
        made = send("post", kind="webhook", name=name, url=behind.url).json()
        assert send("post", f"/{made['id']}/test").json() == said
        assert behind.got[0].json["type"] == "test"
    assert deliver.send_all() == 0


def test_a_new_secret_is_for_webhooks_alone(send):
    hook = send("post", **HOOK).json()
    mail = send("post", kind="email", name="m", to=["a@l.example"]).json()
    answer_ = send("post", f"/{hook['id']}/rotate").json()
    assert answer_["secret"].startswith("whsec_") and answer_["secret"] != hook["secret"]
    assert send("post", f"/{mail['id']}/rotate").status_code == 422


def test_an_incident_tells_what_was_sent_about_it(webhook, opened, get):
    channel, _ = webhook(behave=answer(202, "thanks"))
    incident = opened()
    (waiting,) = get("/api/v1/incidents")["items"]
    assert waiting["deliveries"] == []
    deliver.send_all()
    (told,) = get("/api/v1/incidents")["items"][0]["deliveries"]
    assert (told["channel"], told["channel_name"], told["kind"], told["type"]) == (
        channel.pk, "ops", "webhook", "incident.opened")  # fmt: skip
    assert (told["state"], told["status"], told["answer"], told["attempts"]) == ("sent", 202, "thanks", 1)
    assert told["latency_ms"] >= 0 and told["sent_at"].endswith("Z")
    assert incident.pk
    assert set(told) == set(schema()["components"]["schemas"]["Delivery"]["properties"])


def test_the_list_of_incidents_takes_as_many_statements_however_many_were_told(
    webhook,
    opened,
    get,
    django_assert_max_num_queries,
):
    webhook()
    for number in range(20):
        opened(f"{number}")
    deliver.send_all()
    with django_assert_max_num_queries(10):
        assert len(get("/api/v1/incidents")["items"]) == 20


def test_notes_and_owners_over_the_api(workspace, opened, admin):
    from costwatch.accounts.models import Member

    Member.objects.create(workspace=workspace, email="jonas@l.example", role="editor", password="!")
    incident = opened()
    address = f"/api/v1/incidents/{incident.pk}"

    def post(what, **body):
        return admin.post(f"{address}/{what}", body, content_type="application/json")

    assert post("owner", owner="jonas@l.example").json()["owner"] == "jonas@l.example"
    assert post("owner", owner="stranger@l.example").status_code == 400
    assert post("note", note="the vendor knows").status_code == 200
    assert post("note", note=" ").status_code == 400
    assert post("owner", owner=None).json()["owner"] is None
    assert [entry.text for entry in incident.timeline.all()][1:] == [
        "Owner: jonas@l.example", "the vendor knows", "No owner"]  # fmt: skip


def test_a_note_needs_no_open_incident(workspace, opened, admin):
    incident = opened()
    incidents.act(incident, "expected", "mara", NOW)
    response = admin.post(f"/api/v1/incidents/{incident.pk}/note", {"note": "x"}, content_type="application/json")
    assert response.json()["state"] == "expected"
