"""Log records as JSON: one line each whatever is in them, for programs that read logs."""

import io
import json
import logging
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st

from costwatch.logs import JsonFormatter
from costwatch.up.log import Log

pytestmark = pytest.mark.thorough


def logged(message: str, *args: object, **options: object) -> str:
    """The line of a record."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("costwatch.test")
    logger.addHandler(handler)
    logger.warning(message, *args, **options)  # type: ignore[arg-type]
    return out.getvalue()


@given(st.text())
def test_any_message_is_one_line_and_read_back_as_it_was(message):
    line = logged("%s", message)
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert json.loads(line)["message"] == message


def test_a_line_has_time_level_logger_and_the_message_with_its_arguments():
    told = json.loads(logged("%d events of %s", 3, "triage"))
    assert set(told) == {"time", "level", "logger", "message"}
    assert (told["level"], told["logger"], told["message"]) == ("WARNING", "costwatch.test", "3 events of triage")
    assert datetime.fromisoformat(told["time"]).utcoffset() == timedelta(0)


def test_a_traceback_is_one_text_in_the_same_line():
    try:
        raise ValueError("a\nb")
    except ValueError:
        line = logged("failed", exc_info=True)
    told = json.loads(line)
    assert line.count("\n") == 1
    assert told["traceback"].startswith("Traceback") and told["traceback"].endswith("ValueError: a\nb")


@given(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=200))
def test_a_line_of_a_process_stays_one_line_of_text_without_commands_to_the_terminal(line):
    out = io.StringIO()
    Log(out).say("web", line)
    text = out.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert all(letter.isprintable() or letter == "\t" for letter in text[:-1])
    assert text[8:].startswith(" web       | ")


@given(st.text(max_size=200).filter(lambda line: "{" not in line))
def test_a_line_of_a_process_is_a_json_object_whatever_it_holds(line):
    out = io.StringIO()
    Log(out, as_json=True).say("worker", line)
    told = json.loads(out.getvalue())
    assert told["process"] == "worker" and out.getvalue().count("\n") == 1
    assert told["message"] == line


@pytest.mark.parametrize("line", ['{"message": "a", "level": "INFO"}', '{"time": "now", "process": "fake"}', "[1]", "5",
                                  "null", "{", '{"a": {"b": 1}}'])  # fmt: skip
def test_a_line_that_is_json_already_keeps_its_fields(line):
    out = io.StringIO()
    Log(out, as_json=True).say("worker", line)
    told = json.loads(out.getvalue())
    try:
        own = json.loads(line)
    except ValueError:
        own = None
    if isinstance(own, dict):
        assert {name: told[name] for name in own} == own
        assert set(told) == {"time", "process"} | set(own)
    else:
        assert told["message"] == line


@pytest.mark.parametrize(
    ("address", "status", "traced"), [("/forbidden", 403, False), ("/nowhere", 404, False), ("/broken", 500, True)]
)
def test_a_refusal_is_logged_without_a_traceback_and_a_failure_of_ours_with_one(settings, address, status, traced):
    settings.ROOT_URLCONF = __name__
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logging.getLogger("django.request").addHandler(handler)
    try:
        assert Client(raise_request_exception=False).get(address).status_code == status
    finally:
        logging.getLogger("django.request").removeHandler(handler)
    assert address in told.getvalue()
    assert ("Traceback" in told.getvalue()) is traced


def forbidden(request):
    raise PermissionDenied("not you")


def broken(request):
    raise ZeroDivisionError


urlpatterns = [path("forbidden", forbidden), path("broken", broken)]
