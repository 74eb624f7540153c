"""Accepting events against the real ledger and price book."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.models import UsageEvent
from costwatch.metrics import EVENTS
from costwatch.pricing import book
from costwatch.pricing.usage import CostSource
from ingest import views
from ingest.accept import accept_events, accept_lines
from ingest.rate import Buckets

pytestmark = pytest.mark.usefixtures("prices")


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="acme")


@pytest.fixture
def send(workspace):
    """POST a body with an ingest key of the workspace."""
    text = create_key(workspace, "k", ["ingest"])[1]

    def post(body, content_type="application/json", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {text}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return Client().generic("POST", "/api/v1/events", data, content_type, headers=headers)

    return post


def event(**changes):
    return {"event_id": "e1", "timestamp": datetime.now(UTC).isoformat(), "model": "gpt-4o", "agent_id": "triage",
            "input_tokens": 1000, "output_tokens": 100, **changes}  # fmt: skip


def test_an_accepted_event_is_stored_priced_and_attributed(send, workspace):
    answer = send(event())
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "duplicates": 0, "rejected": []})
    stored = UsageEvent.objects.get(lane=workspace.lane)
    assert stored.cost == Decimal("0.0035")  # 1000 x $2.50/M + 100 x $10/M
    assert stored.cost_source == CostSource.CATALOG
    assert stored.price_version_id is not None


def test_the_same_event_again_is_a_duplicate_however_it_is_sent(send, workspace):
    assert send(event()).json()["accepted"] == 1
    again = send([event(input_tokens=9), event(), event(event_id="e2")])
    assert again.status_code == 200
    assert again.json() == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert UsageEvent.objects.filter(lane=workspace.lane).count() == 2


def test_two_reports_of_one_answer_count_once(send):
    assert send(event(response_id="resp_1", provider="openai")).json()["accepted"] == 1
    assert send(event(event_id="other", response_id="resp_1", provider="openai")).json()["duplicates"] == 1


def test_the_valid_part_of_a_batch_is_stored_and_the_rest_told(send, workspace):
    answer = send({"events": [event(), event(event_id="bad", input_tokens=-1), event(event_id="e3", color="red")]})
    assert answer.status_code == 207
    assert answer.json() == {
        "accepted": 2, "duplicates": 0, "ignored_fields": {"color": 1},
        "rejected": [{"index": 1, "event_id": "bad", "field": "input_tokens", "code": "invalid",
                      "message": "input_tokens must be a whole number from 0 to 1,000,000,000; this is -1."}],
    }  # fmt: skip
    assert UsageEvent.objects.filter(lane=workspace.lane).count() == 2


def test_no_valid_event_is_422_with_an_error_and_the_field(send, workspace):
    answer = send([event(), event(event_id=" ")][1:])
    assert answer.status_code == 422
    assert answer.json()["error"] == {
        "code": "invalid", "field": "events[0].event_id",
        "message": "event_id must not be blank; leave it out to have one made."}  # fmt: skip
    assert answer.json()["accepted"] == 0
    assert not UsageEvent.objects.filter(lane=workspace.lane).exists()


def test_accepted_duplicates_and_rejected_are_all_that_was_received(send):
    send([event(event_id=str(i)) for i in range(0, 50, 2)])
    answer = send([event(event_id=str(i % 40), step=None if i % 7 else -1) for i in range(100)]).json()
    assert answer["accepted"] + answer["duplicates"] + len(answer["rejected"]) == 100
    assert len(answer["rejected"]) == 15


def test_an_unknown_model_is_unpriced_and_no_usage_is_unknown_never_zero(send, workspace):
    send([event(event_id="u", model="my-own-model-7"), {"event_id": "n", "model": "gpt-4o"},
          event(event_id="r", input_tokens=None, output_tokens=None, usage={"strange_count": 7})])  # fmt: skip
    stored = {e.event_id: e for e in UsageEvent.objects.filter(lane=workspace.lane)}
    assert {k: (e.cost, e.cost_source) for k, e in stored.items()} == {
        "u": (None, CostSource.UNPRICED),
        "n": (None, CostSource.USAGE_UNKNOWN),
        "r": (None, CostSource.USAGE_UNKNOWN),
    }
    assert stored["u"].upper_bound > 0
    assert stored["r"].raw_usage == {"strange_count": 7}


def test_a_batch_on_an_empty_price_book_is_stored_unpriced(send, workspace):
    from costwatch.pricing.models import PriceBook, PriceVersion

    PriceVersion.objects.all().delete()
    PriceBook.objects.update(revision=10**6)
    book.forget()
    assert send(event()).json()["accepted"] == 1
    assert UsageEvent.objects.get(lane=workspace.lane).cost_source == CostSource.UNPRICED


@pytest.mark.parametrize(
    ("sent", "model", "kept"),
    [("gcp.vertex_ai", "gemini-2.5-pro", "vertex"), ("az.ai.openai", "gpt-4o", "azure"), ("X_AI", "grok-3", "xai"),
     (None, "claude-sonnet-4-5", "anthropic"), ("", "gpt-4o", "openai"), (None, "nobody-knows-it", None)],
)  # fmt: skip
def test_the_provider_has_one_name_and_is_inferred_where_that_is_clear(send, workspace, sent, model, kept):
    from costwatch.ledger.models import Attribution, Label

    send(event(provider=sent, model=model))
    attribution = Attribution.objects.get(pk=UsageEvent.objects.get(lane=workspace.lane).attribution_id)
    assert getattr(Label.objects.filter(pk=attribution.provider_id).first(), "value", None) == kept


def test_lines_and_packed_bodies_are_read(send):
    lines = "\n".join(json.dumps(event(event_id=str(i))) for i in range(3)).encode()
    assert send(lines, "application/x-ndjson; charset=utf-8").json()["accepted"] == 3
    packed = gzip.compress(json.dumps([event(event_id=str(i)) for i in range(5)]).encode())
    assert send(packed, Content_Encoding="gzip").json() == {"accepted": 2, "duplicates": 3, "rejected": []}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json", 200), ("APPLICATION/JSON; Charset=UTF-8", 200), ('application/json; charset="utf-8"', 200),
     ("text/plain", 415), ("application/json; charset=utf-16", 415), ("multipart/form-data; boundary=x", 415),
     ("application/vnd.api+json", 415), ("application/json; charset=rot13", 415)],
)  # fmt: skip
def test_only_json_in_utf8_is_read(send, content_type, status):
    assert send(event(), content_type).status_code == status


def test_a_body_over_the_limit_is_refused(send):
    refused = send(b" " * (4 * 1024 * 1024 + 1))
    assert refused.status_code == 413 and refused.json()["error"]["code"] == "too_large"
    assert send(b" " * (4 * 1024 * 1024)).status_code == 400


def test_only_an_ingest_key_may_send_and_only_by_post(send, workspace):
    reader = create_key(workspace, "r", ["read"])[1]
    headers = {"Authorization": f"Bearer {reader}"}
    post = Client().post("/api/v1/events", event(), content_type="application/json", headers=headers)
    assert post.status_code == 403 and "ingest" in post.json()["error"]["message"]
    assert Client().post("/api/v1/events", event(), content_type="application/json").status_code == 401
    for method in ("put", "patch", "delete", "options"):
        answer = getattr(Client(), method)("/api/v1/events", headers=headers)
        assert answer.status_code == 405 and "POST" in answer["Allow"] and answer.json()["error"]["code"]


def test_over_its_rate_a_key_is_told_when_to_come_again(send, monkeypatch):
    buckets = Buckets(0.02)  # one in 50 seconds
    monkeypatch.setattr(views, "_buckets", lambda: buckets)
    answers = [send(event()) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 429]
    assert 45 <= int(answers[1]["Retry-After"]) <= 50 and answers[1]["RateLimit-Remaining"] == "0"
    assert answers[1].json()["error"]["code"] == "rate_limited"
    assert "RateLimit-Limit" in answers[0] and "RateLimit-Reset" in answers[0]


def test_an_import_keeps_wrong_sums_and_flags_them(workspace):
    now = datetime.now(UTC)
    answer = accept_events(workspace.lane, [event(cached_input_tokens=5000), event(event_id="x", model="")], now)
    assert (answer.accepted, len(answer.rejected)) == (1, 1)
    assert UsageEvent.objects.get(lane=workspace.lane).usage_inconsistent is True


def test_an_import_of_lines_is_idempotent(workspace):
    now = datetime.now(UTC)
    lines = "\n".join(json.dumps(event(event_id=str(i))) for i in range(20)).encode()
    assert accept_lines(workspace.lane, lines, now).accepted == 20
    assert accept_lines(workspace.lane, lines, now).duplicates == 20


def test_monitoring_counts_each_event_once_by_what_became_of_it(send):
    def counted():
        outcomes = ("accepted", "duplicate", "rejected", "request_refused")
        return [EVENTS.labels(outcome)._value.get() for outcome in outcomes]

    before = counted()
    send([event(), event(), event(event_id="e2"), event(event_id="e3", step=-1)])
    send(b"{")
    send(b"{", content_type="text/plain")
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1, 2]
