"""API.md §3, field by field. Times, counts and usage objects: test_timestamps, test_counts, test_raw_usage."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.ledger.keys import event_key, response_key
from costwatch.pricing.usage import CostSource
from ingest.wire import RULES
from tests.ingest.make import NOW, batch, entry, event, fault

NAMES = ["provider", "operation", "agent_id", "user_id", "task", "run_id", "session_id", "parent_id", "environment",
         "release", "api", "service_tier", "region", "error_type", "tool"]  # fmt: skip


def test_an_event_arrives_with_every_field_it_was_sent_with():
    sent = event(
        provider="openai", operation="embeddings", user_id="u", task="t", run_id="r", session_id="s", step=3,
        parent_id="p", environment="prod", release="triage@1.8.2", tags={"team": "support"}, input_tokens=1000,
        output_tokens=500, cached_input_tokens=1, cache_write_tokens=2, cache_write_1h_tokens=3, reasoning_tokens=4,
        audio_input_tokens=5, audio_output_tokens=6, image_input_tokens=7, image_output_tokens=8,
        units={"web_search": 2}, service_tier="flex", region="eu", batch=True, requests=7, cost_usd="0.25",
        response_id="resp_1", latency_ms=812, status="error", error_type="timeout", tool="search",
        call_fingerprint="abc", input_fingerprint="def", input_error=False, usage={"counted_elsewhere": 1000},
        api="openai.chat",
    )  # fmt: skip
    got = entry(**sent)
    same = set(sent) - {"timestamp", "units", "cost_usd", "status", "usage"}
    assert {name: getattr(got, name) for name in same} == {name: sent[name] for name in same}
    assert got.timestamp == datetime(2026, 11, 25, 11, tzinfo=UTC)
    assert got.units == {"web_search": Decimal(2)}
    assert got.reported_cost == Decimal("0.25")
    assert got.error is True
    assert got.raw_usage == {"counted_elsewhere": 1000}


def test_what_was_not_sent_is_not_made_up():
    got = batch({"model": "gpt-4o"}).entries[0]
    assert got.input_tokens is None and got.output_tokens is None and got.cost is None
    assert (got.operation, got.requests, got.batch, got.error) == ("chat", 1, False, False)
    assert got.timestamp == NOW
    assert got.tags is None and got.units is None and got.raw_usage is None


def test_null_is_absent_everywhere_but_for_the_model():
    got = entry(**{name: None for name in RULES if name != "model"})
    assert got.timestamp == NOW and got.requests == 1 and got.batch is False and got.operation == "chat"
    assert fault(model=None)[0] == "model"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_have_200_characters_and_an_empty_one_is_absent(name):
    assert getattr(entry(**{name: "é" * 200}), name) == "é" * 200
    assert fault(**{name: "x" * 201}) == (
        name, f'{name} must be a text of at most 200 characters; this is the text "{"x" * 40}…".')  # fmt: skip
    absent = {"provider": "openai", "operation": "chat"}.get(name)
    assert getattr(entry(**{name: ""}), name) == absent
    assert fault(**{name: ["a"]})[0] == name
    assert fault(**{name: {"$ne": ""}})[0] == name


def test_a_model_is_needed():
    for wrong in ("", "  ", 5, ["gpt-4o"], "x" * 201):
        assert fault(model=wrong)[0] == "model"
    without = event()
    del without["model"]
    assert batch(without).problems[0].message == "model is missing; write the model as the provider names it."


def test_numbered_runs_and_sessions_are_taken_as_text():
    got = entry(run_id=81, session_id=7, parent_id=3)
    assert (got.run_id, got.session_id, got.parent_id) == ("81", "7", "3")
    assert fault(agent_id=5)[0] == "agent_id"


def test_event_ids_are_1_to_255_characters_as_sent():
    for good in ("x", "x" * 255, " padded ", "../../etc/passwd", "é😀"):
        got = entry(event_id=good)
        assert got.event_id == good and got.keys == (event_key(good),)
    for bad in ("", " ", "\t\n", "x" * 256, 5, True, ["a"], {"$ne": ""}):
        assert fault(event_id=bad)[0] == "event_id"


def test_an_event_without_an_id_gets_one_of_its_own():
    got = batch({"model": "m"}, {"model": "m", "event_id": None}).entries
    assert len({e.event_id for e in got}) == 2 and all(len(e.event_id) == 32 for e in got)
    assert batch({"model": "m", "step": -1}).problems[0].event_id is None


def test_a_response_id_is_a_second_identity_within_its_provider():
    got = entry(response_id="resp_1", provider="anthropic")
    assert got.keys == (event_key("e1"), response_key("anthropic", "resp_1"))


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("step", [0, 5, 2**31 - 1, 2.0], [-1, 2**31, 0.5, "1", True]),
        ("requests", [1, 10**9, 3.0], [0, -1, 10**9 + 1, 1.5, "1", True]),
        ("latency_ms", [0, 812], [-1, -0.5, 2**31, 1e300, "812", True]),
        ("batch", [True, False], [0, 1, "true", []]),
        ("input_error", [True, False], [0, 1, "true", []]),
        ("response_id", ["r", "r" * 255], ["", "r" * 256, 5]),
        ("call_fingerprint", ["f" * 64], ["f" * 65, 5]),
        ("input_fingerprint", ["f" * 64], ["f" * 65, 5]),
    ],
)
def test_limits_of_the_other_fields(name, good, bad):
    for value in good:
        assert getattr(entry(**{name: value}), name) == value
    for value in bad:
        assert fault(**{name: value})[0] == name


def test_latency_may_have_a_fraction():
    assert entry(latency_ms=812.6).latency_ms == 813


def test_status_is_ok_or_error():
    assert entry(status="ok").error is False
    assert fault(status="OK") == ("status", 'status must be "ok" or "error"; this is the text "OK".')
    assert fault(status=200)[0] == "status"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("0.0012425", "0.0012425"), (0.0012425, "0.0012425"), (0, "0"), ("0", "0"), (3, "3"), (1e-7, "1E-7"),
     ("0.0000000000005", "0"), ("0.0000000000015", "2E-12"),
     ("999999999999.999999999999", "999999999999.999999999999")],
)  # fmt: skip
def test_a_cost_is_a_decimal_text_or_number_rounded_half_even_to_12_places(sent, kept):
    assert entry(cost_usd=sent).reported_cost == Decimal(kept)


@pytest.mark.parametrize(
    "wrong", [-0.01, "-1", "NaN", "sNaN", "Infinity", "-inf", "", "1,5", "$1", "1e12", 10**12, 1e300, True, [], {}]
)
def test_no_other_cost_is_accepted(wrong):
    assert fault(cost_usd=wrong)[0] == "cost_usd"


def test_nobody_can_send_what_only_the_server_fills_in():
    got = batch(event(keys=["x"], price_version=1, upper_bound=1, api_key_id=5, usage_inconsistent=True, error=True),
                api_key_id=9)  # fmt: skip
    assert got.ignored["price_version"] == 1
    kept = got.entries[0]
    assert (kept.keys, kept.price_version, kept.upper_bound) == ((event_key("e1"),), None, 0)
    assert (kept.api_key_id, kept.usage_inconsistent, kept.error) == (9, False, False)
    assert fault(cost=0)[0] == "cost"
    assert batch(event(cost_source=1)).entries[0].cost_source is CostSource.UNPRICED


def test_tags_are_texts_and_numbers_and_booleans_become_their_text():
    sent = {"team": "support", "n": 5, "x": 1.5, "yes": True, "no": False, "none": None, "empty": "", "big": 10**40}
    assert entry(tags=sent).tags == {"team": "support", "n": "5", "x": "1.5", "yes": "true", "no": "false",
                                     "big": str(10**40)}  # fmt: skip
    assert entry(tags={}).tags is None
    assert entry(tags={"k" * 64: "v" * 200}).tags == {"k" * 64: "v" * 200}
    assert len(entry(tags={str(i): i for i in range(32)}).tags) == 32


@pytest.mark.parametrize(
    "wrong",
    [["a"], "a", 1, {"a": {"b": 1}}, {"a": [1]}, {"": "x"}, {"k" * 65: "x"}, {"k": "v" * 201}, {"k": 10**250},
     {str(i): "x" for i in range(33)}, {"__proto__": {"polluted": 1}}],
)  # fmt: skip
def test_no_other_tags_are_accepted(wrong):
    assert fault(tags=wrong)[0].startswith("tags")
