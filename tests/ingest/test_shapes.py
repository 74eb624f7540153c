"""What a body may be, and what becomes of a batch in which some events are at fault."""

import json
import time

import pytest

from ingest import text
from ingest.event import decode
from ingest.refused import Refused
from tests.ingest.make import batch, event, frame


def models(body: bytes | str, lines: bool = False) -> list[str]:
    got = decode(body if isinstance(body, bytes) else body.encode(), frame(), lines=lines)
    assert not got.problems, got.problems
    return [e.model for e in got.entries]


def refusal(body: bytes | str, lines: bool = False) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(body if isinstance(body, bytes) else body.encode(), frame(), lines=lines)
    return caught.value


def test_one_event_an_array_and_an_envelope_are_the_same():
    assert models('{"model": "a"}') == ["a"]
    assert models('[{"model": "a"}, {"model": "b"}]') == ["a", "b"]
    assert models('{"events": [{"model": "a"}, {"model": "b"}]}') == ["a", "b"]
    assert models(' \n {"sent_by": "sdk", "events": [{"model": "a"}]}\n') == ["a"]


def test_lines_are_events_and_blank_lines_are_nothing():
    assert models('{"model": "a"}\n{"model": "b"}\n', lines=True) == ["a", "b"]
    assert models('{"model": "a"}\r\n\r\n  \n{"model": "b"}', lines=True) == ["a", "b"]


def test_no_events_are_no_fault():
    assert models("[]") == models('{"events": []}') == []


def test_a_byte_order_mark_is_no_content():
    assert models(b'\xef\xbb\xbf{"model": "a"}') == ["a"]


def test_of_a_repeated_name_the_last_counts():
    assert models('{"model": "a", "model": "b"}') == ["b"]
    assert models('{"model": "a", "foo": 1, "model": "b"}') == ["b"]


@pytest.mark.parametrize("body", ["null", "123", "true", '"text"', '{"events": {}}', '{"events": 5}',
                                  '{"events": null}', '{"events": {"events": []}}'])  # fmt: skip
def test_other_json_is_understood_but_no_event(body):
    refused = refusal(body)
    assert refused.status == 422 and "array of events" in refused.message


@pytest.mark.parametrize(
    "body",
    ["", "  ", "<html>502</html>", '{"model": "a"', '{"model": "a"} x', '[{"model": "a"},]', '/*x*/{"model": "a"}',
     '{"model": NaN}', '{"model": "a", "input_tokens": Infinity}', '{"model": "a", "input_tokens": 007}',
     '{"model": "a", "input_tokens": +1}', '{"model": "a", "input_tokens": 0x10}', '{"model": "a\nb"}', "{model: 1}",
     "{'model': 'a'}", b'{"model": "\xff\xfe"}', b'{"model": "\xc0\xaf"}', b'{"model": "\xed\xa0\x80"}',
     '{"model": "a"}'.encode("utf-16"), b"\x1f\x8b\x08\x00garbage"],
)  # fmt: skip
def test_what_is_no_json_is_refused_as_a_whole(body):
    assert refusal(body).status == 400


def test_lines_that_were_sent_as_one_json_are_told_how_to_be_sent():
    assert "application/x-ndjson" in refusal('{"model": "a"}\n{"model": "b"}').message
    assert "ndjson" not in refusal('{"model": ').message


def test_a_line_that_is_no_json_costs_only_itself():
    got = decode(b'{"model": "a"}\n{"model": \n{"model": "c"}', frame(), lines=True)
    assert [e.model for e in got.entries] == ["a", "c"]
    assert (got.problems[0].index, got.problems[0].code) == (1, "not_json")
    assert refusal("<html>\n</html>", lines=True).status == 400


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000,
                                  b'{"events":[{"model":"a","x":' + b"[" * 20 + b"]" * 20 + b"}]}",
                                  b'{"events":[{"model":"a","usage":' + b'{"a":' * 6 + b"1" + b"}" * 6 + b"}]}",
                                  b'{"model":"a","usage":' + b"[" * 5000 + b"]" * 5000 + b"}"])  # fmt: skip
def test_deep_nesting_is_refused_before_it_is_parsed(body):
    assert refusal(body).code in ("too_deep", "not_json")


@pytest.mark.parametrize(
    ("deep", "body"),
    [(1, "[]"), (1, '{"a": 1}'), (2, '[{"a": "[[[[[["}]'), (2, r'[{"a": "\"[[[[\\"}]'), (3, '[[1, [2, 3]], "]", []]'),
     (5, '{"events": [{"tags": {"a": [1]}}]}'), (9, "[" * 9 + "]" * 9), (9, '[{"":' * 4 + "[" + "]" + "}]" * 4)],
)  # fmt: skip
def test_depth_is_counted_outside_of_strings(deep, body):
    assert text.deeper_than(body.encode(), deep - 1)
    assert not text.deeper_than(body.encode(), deep)


def test_ten_thousand_events_are_the_most():
    event = '{"model":"a"},'
    assert len(models("[" + (event * 10_000)[:-1] + "]")) == 10_000
    assert refusal("[" + (event * 10_001)[:-1] + "]").status == 413
    assert refusal("[" + ('{"model":5},' * 10_001)[:-1] + "]").status == 413
    assert refusal("[" + (event * 1_000_000)[:-1] + "]").status == 413
    assert refusal("[" + ("1," * 5_000_000)[:-1] + "]").status == 413
    assert refusal('{"model":"a"}\n' * 10_001, lines=True).status == 413


# -- faults of single events


def test_the_valid_events_of_a_batch_are_taken_and_the_others_told_with_their_place():
    got = batch(event(event_id="a"), event(event_id="b", input_tokens="5"), 7, event(event_id="c", cost_usd=-1),
                event(event_id="d"), {})  # fmt: skip
    assert [e.event_id for e in got.entries] == ["a", "d"]
    assert [(p.index, p.event_id, p.field) for p in got.problems] == [
        (1, "b", "input_tokens"), (2, None, None), (3, "c", "cost_usd"), (5, None, "model")]  # fmt: skip
    assert got.problems[0].message == (
        'input_tokens must be a whole number from 0 to 1,000,000,000; this is the text "5".')  # fmt: skip
    assert got.problems[1].message == "An event must be an object; this is 7."


@pytest.mark.parametrize("half", [r"\ud800", r"\udc00", r"\ud83d", r"\ud83dx", r"a\uDBFF\n", r"\ud800\ud800"])
def test_half_a_character_costs_only_its_event(half):
    body = '[{"model": "a"}, {"model": "' + half + r'"}, {"model": "\ud83d\ude00"}]'
    got = decode(body.encode(), frame())
    assert [e.model for e in got.entries] == ["a", "😀"]
    assert got.problems[0].field == "model" and "half a character" in got.problems[0].message


def test_an_escaped_backslash_is_no_half_character():
    assert models(r'[{"model": "\\ud800"}, {"model": "\\u0000"}]') == [r"\ud800", r"\u0000"]


@pytest.mark.parametrize("name", ["model", "agent_id", "event_id", "run_id", "provider", "tool"])
def test_a_nul_character_costs_only_its_event(name):
    got = batch(event(event_id="a"), event(**{"event_id": "b", name: "a\0b"}))
    assert len(got.entries) == 1
    assert got.problems[0].field == name and "NUL" in got.problems[0].message
    assert batch(event(tags={"a\0": "x"})).problems[0].field == "tags"
    assert batch(event(custom="a\0b")).problems == []


def test_a_number_too_long_to_be_one_costs_only_its_event():
    got = decode(b'[{"model": "a"}, {"model": "b", "input_tokens": ' + b"9" * 5000 + b"}]", frame())
    assert [e.model for e in got.entries] == ["a"] and "far too large" in got.problems[0].message


# -- strange fields


def test_strange_fields_are_ignored_and_counted():
    got = batch(event(trace="x"), event(trace=[1], event_id="e2"), event(event_id="e3", colour={"a": [1]}))
    assert len(got.entries) == 3 and got.ignored == {"trace": 2, "colour": 1}


def test_a_field_that_looks_like_a_known_one_is_refused_with_the_right_name():
    got = batch(event(inptu_tokens=5))
    assert got.entries == []
    assert got.problems[0].field == "inptu_tokens"
    assert got.problems[0].message == "There is no field inptu_tokens; did you mean input_tokens?"
    assert batch({"Events": []}).problems[0].message == "There is no field Events; did you mean events?"


def test_a_thousand_strange_names_are_not_a_thousand_searches():
    got = batch(event(**{f"own_{i}": i for i in range(1000)}))
    assert len(got.entries) == 1 and len(got.ignored) == 100


def test_a_large_batch_with_one_fault_loses_only_that_event():
    events = [event(event_id=str(i)) for i in range(2000)]
    events[1234]["input_tokens"] = -1
    got = decode(json.dumps({"events": events}).encode(), frame())
    assert len(got.entries) == 1999 and got.problems[0].index == 1234


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b" \n1" * 5_000_000, True), (b'{"model":"' + b"\\\\" * 8_000_000 + b'\\ud800"}', False),
        (b'{"model":"' + b"\\ud800" * 2_000_000 + b'"}', False), (b'["' + b'\\"' * 8_000_000 + b'"]', False),
        (b"[]" * 8_000_000, False), (b"[" * 16_000_000, False), (b'{"":' * 4_000_000, False),
        (b'{"model":"a","input_tokens":' + b"9" * 16_000_000 + b"}", False),
        (b'{"model":"a","cost_usd":"0.' + b"9" * 16_000_000 + b'"}', False),
        (b"[" + b",".join(b'{"model":"a","u%d":1}' % i for i in range(10_000)) + b"]", False),
    ],
    ids=["blank lines", "backslashes", "half characters", "quotes", "brackets", "open brackets", "open objects",
         "digits", "decimals", "strange fields"],
)  # fmt: skip
def test_no_body_takes_long(body, lines):
    began = time.process_time()
    try:
        decode(body, frame(), lines=lines)
    except Refused as refused:
        assert refused.status in (400, 413, 422)
    assert time.process_time() - began < 2
