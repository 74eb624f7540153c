"""The page of one call: all that is known of it, how its cost comes about, and what was sent."""

import json
import re
from decimal import Decimal
from html import unescape

import pytest

from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import priced
from tests.dashboards.page import body, links, row, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def test_the_raw_event_is_there_to_read(client, send):
    send(entry(event_id="c-1", tags={"customer": "</code><script>"}))
    html = body(client, "/calls/c-1")
    raw = json.loads(unescape(re.search(r'aria-label="Raw event"><code>(.*?)</code>', html, re.S)[1]))
    assert raw["timestamp"] == "2026-11-18T13:32:07.123456Z"
    assert raw["tags"] == {"customer": "</code><script>"}
    assert "<script>" not in html.split("Raw event")[1].split("</code>")[0]


def test_a_call_shows_all_that_is_known_of_it(client, send, prices):
    send(priced(event_id="c-1", run_id="r-1", input_tokens=1000, cached_input_tokens=400, output_tokens=100,
                reasoning_tokens=50, task="refund", step=3, latency_ms=2100, response_id="resp-9",
                raw_usage={"prompt_tokens": 1000}, tags={"customer": "Orbit"}))  # fmt: skip
    html = body(client, "/calls/c-1")
    said = text(html)
    assert "This call cost $0.000360 . gpt-5-mini read 1,000 and wrote 100 tokens in 2.1 s" in said
    assert row(html, "Input, not cached")[1:] == ["600", "$0.25", "$0.0001500"]
    assert row(html, "Input, from cache")[1:] == ["400", "$0.025", "$0.0000100"]
    assert row(html, "Output")[1:] == ["100", "$2.00", "$0.0002000"]
    assert row(html, "Call")[3] == "$0.0003600"
    for fact in ("Price of openai · gpt-5-mini", "Step 3", "Task refund", "Response id resp-9", "customer Orbit"):
        assert fact in said
    assert "prompt_tokens" in said
    assert "/runs/r-1" in links(html)


def test_the_parts_of_a_cost_are_a_fragment_of_their_own(client, send, prices):
    send(priced(event_id="c-1", input_tokens=1000, output_tokens=100))
    part = body(client, "/calls/c-1", **{"HX-Request": "true", "HX-Target": "parts"})
    assert "<html" not in part
    assert row(part, "Call")[3] == "$0.000450"


def test_a_call_says_what_of_it_was_sent_in_which_call_before_and_what_it_repeats(client, send, prices):
    again = {"run_id": "r-1", "tool": "get_order", "call_fingerprint": "f", "input_fingerprint": "i"}
    send(
        priced(event_id="c-1", minutes=1, input_tokens=1000, output_tokens=100, **again),
        priced(event_id="c-2", minutes=2, input_tokens=2000, cached_input_tokens=500, output_tokens=100, **again),
    )
    parts = text(body(client, "/calls/c-2", **{"HX-Request": "true", "HX-Target": "parts"}))
    assert "At most 1,100 input tokens (55 %) were already sent in call 1." in parts
    assert "Read from the cache, this call would cost $0.0004525." in parts
    assert "same result, as call 1" in parts
    assert "were already sent in call 1" in text(body(client, "/calls/c-2")), "on the call's own page too"
    assert 'title="1,100 tokens, already sent in call 1"' in body(client, "/runs/r-1")
    assert "already sent" not in text(body(client, "/calls/c-1"))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [(CostSource.UNPRICED, "unpriced: no price is known for this model; at most $0.40"),
     (CostSource.USAGE_UNKNOWN, "not known: the sender gave no token counts")],
)  # fmt: skip
def test_an_unknown_cost_is_explained(client, send, source, sentence):
    send(
        entry("c-1", cost=None, cost_source=source, upper_bound=Decimal("0.4") if source == CostSource.UNPRICED else 0)
    )
    html = body(client, "/calls/c-1")
    assert sentence in text(html)
    assert "never as $0.00" in text(html)
