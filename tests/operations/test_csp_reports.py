"""What browsers report of the Content-Security-Policy: a line and a count, and 204 whatever anybody sends."""

import json
import logging
import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from costwatch import csp, middleware
from costwatch.metrics import exposition

ADDRESS = middleware.REPORTS
OLD = {
    "csp-report": {
        "document-uri": "https://costs.example/users/ann?secret=1#part",
        "violated-directive": "script-src-elem",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/x.js?token=abc",
        "source-file": "https://costs.example/static/js/app.js",
        "line-number": 12,
    }
}
NEW = [
    {
        "type": "csp-violation",
        "url": "https://costs.example/month",
        "body": {
            "documentURL": "https://costs.example/month",
            "effectiveDirective": "style-src-elem",
            "blockedURL": "inline",
        },
    }
]
HOSTILE = [
    b"", b"null", b"[]", b"{}", b"42", b'"text"', b"[[[]]]", b"{", b"\xff\xfe", b"[" * 9000, b'{"csp-report": 5}',
    b'{"csp-report": []}', b'[{"body": null}, null, 7]', b'{"csp-report": {"effective-directive": ""}}', b"9" * 9000,
    b'{"csp-report": {"blocked-uri": "x"}}', b"{}" + b" " * csp.MOST_BYTES,
]  # fmt: skip


@pytest.fixture(autouse=True)
def a_quiet_minute(monkeypatch):
    csp._written.clear()


@pytest.fixture
def lines(caplog):
    """What was logged, and only by the endpoint."""
    caplog.set_level(logging.WARNING, "costwatch.csp")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "costwatch.csp"]


def send(body, kind="application/csp-report", **more):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(enforce_csrf_checks=True).post(ADDRESS, data, content_type=kind, **more)


def counted(outcome):
    found = re.search(rf'^costwatch_csp_reports_total{{outcome="{outcome}"}} (\S+)', exposition().decode(), re.M)
    return float(found[1])


@pytest.fixture(autouse=True)
def database(db):
    """The exposition asks it; the endpoint does not."""


def test_a_report_is_one_line_with_what_where_and_by_what_and_without_query_strings(lines):
    before = counted("logged")
    assert send(OLD).status_code == 204
    assert lines() == [
        "Content-Security-Policy: script-src-elem refused https://evil.example/x.js on /users/ann,"
        " asked for by https://costs.example/static/js/app.js:12"
    ]
    assert counted("logged") == before + 1


def test_reports_of_the_reporting_api_are_read_too(lines):
    assert send(NEW, "application/reports+json").status_code == 204
    assert lines() == ["Content-Security-Policy: style-src-elem refused inline on /month"]


def test_it_needs_no_session_no_token_and_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = send(OLD)
    assert (answer.status_code, answer.content, answer.cookies) == (204, b"", {})


@pytest.mark.parametrize("body", HOSTILE, ids=[str(body[:24]) for body in HOSTILE])
def test_what_is_not_a_report_is_counted_and_nothing_else(lines, body):
    before = counted("unreadable")
    assert send(body).status_code == 204
    assert lines() == []
    assert counted("unreadable") == before + 1


NAMES = st.sampled_from([*csp.DIRECTIVE, *csp.BLOCKED, *csp.PAGE, *csp.SOURCE, *csp.LINE, "csp-report", "body"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=30,
)


@given(ANY_JSON)
def test_any_json_gives_lines_that_are_short_and_stay_one_line(value):
    for report in csp.read(json.dumps(value).encode()):
        said = csp.sentence(report)
        assert said.isprintable() and len(said) < 5 * csp.LONGEST


def test_a_report_cannot_forge_a_second_line_or_colour_a_terminal(lines):
    evil = {
        "effective-directive": "x\n2026 ERROR all is lost",
        "blocked-uri": "\x1b[31mred\u202e",
        "document-uri": "\r",
    }
    send({"csp-report": evil})
    assert lines() == ["Content-Security-Policy: x?2026 ERROR all is lost refused ?[31mred? on ?"]


def test_a_flood_is_counted_and_fills_no_log(lines):
    before, flood = counted("limited"), 3 * csp.LINES_A_MINUTE
    for _ in range(flood):
        assert send(OLD).status_code == 204
    assert len(lines()) == csp.LINES_A_MINUTE
    assert counted("limited") == before + flood - csp.LINES_A_MINUTE


def test_of_a_long_list_only_the_first_are_looked_at():
    before = counted("logged") + counted("limited")
    small = {"body": {"effectiveDirective": "x"}}
    assert send([small] * 300, "application/reports+json").status_code == 204
    assert counted("logged") + counted("limited") == before + csp.MOST_AT_ONCE


def test_what_a_browsers_extension_asked_for_is_counted_apart_and_not_told(lines):
    before = counted("extension")
    send({"csp-report": OLD["csp-report"] | {"source-file": "moz-extension://7f2/content.js"}})
    send({"csp-report": OLD["csp-report"] | {"blocked-uri": "chrome-extension://abc/x.css"}})
    assert lines() == []
    assert counted("extension") == before + 2


def test_it_only_takes_and_never_shows_anything():
    assert Client().get(ADDRESS).status_code == 405
