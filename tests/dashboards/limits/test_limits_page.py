"""The limits view: minutes out of the books, setting limits, who may."""

import csv
import io

import pytest

from costwatch.accounts.models import AuditEntry, Role
from costwatch.limits.models import ProviderLimit
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import as_read
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
LIMIT = {"provider": "OpenAI", "model": "gpt-5.4-mini", "requests": "4", "tokens": "10,000", "cached_counts": "on"}


@pytest.fixture
def editor(workspace, now):
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)


@pytest.fixture
def busy(send):
    """Four requests in one minute, one in another; one of them refused; and one long ago."""
    send(
        *(entry(minutes=-30) for _ in range(3)),
        entry(minutes=-30, error=True, error_type="RateLimitError", cost=None, input_tokens=None, output_tokens=None),
        entry(minutes=-50, error=True, error_type="ServerError"),
        entry(minutes=-5 * 24 * 60, requests=50),
    )


def text(client, address="/limits", status=200, **params):
    response = client.get(address, params)
    assert response.status_code == status, response.content[:500]
    return response.content.decode()


def rows(client, **params):
    return list(csv.DictReader(io.StringIO(text(client, "/limits.csv", **params).lstrip("\ufeff"))))


def test_every_model_with_calls_is_there_with_its_highest_minute(client, busy):
    page = text(client)
    assert "gpt-5.4-mini" in page and "not set" in page
    found = {row["measure"]: row for row in rows(client)}
    assert found["requests"]["peak_per_minute"] == "4" and found["requests"]["throttled_requests"] == "1"
    assert found["tokens"]["peak_per_minute"] == str(3 * 1285)


def test_a_limit_says_how_much_room_was_left(editor, busy):
    assert editor.post("/limits/set", LIMIT).status_code == 302
    page = text(editor)
    assert "The limit of openai · gpt-5.4-mini is set." in page
    found = {row["measure"]: row for row in rows(editor)}
    assert (found["requests"]["limit_per_minute"], found["requests"]["minutes_at_limit"]) == ("4", "1")
    assert found["tokens"]["limit_per_minute"] == "10000"
    assert '<span class="state bad">0 %</span>' in as_read(page)


def test_setting_it_again_changes_it_and_removing_forgets_it(editor, workspace):
    editor.post("/limits/set", LIMIT)
    editor.post("/limits/set", {**LIMIT, "requests": "8"})
    limit = ProviderLimit.objects.get()
    assert (limit.requests, limit.tokens, limit.cached_counts) == (8, 10_000, True)
    editor.post(f"/limits/{limit.pk}/remove")
    assert not ProviderLimit.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")][-3:] == [
        "limit.set", "limit.set", "limit.removed"]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"provider": ""}, "Say whose limit it is"), ({"requests": "", "tokens": ""}, "at least one limit"),
     ({"requests": "-1"}, "A whole number"), ({"requests": "1.5"}, "A whole number"),
     ({"requests": "99999999999"}, "A whole number"), ({"key": "nobody"}, "no API key called nobody")],
)  # fmt: skip
def test_a_wrong_limit_is_said_and_the_form_keeps_what_was_typed(editor, fields, said):
    response = editor.post("/limits/set", {**LIMIT, **fields})
    assert response.status_code == 422
    page = response.content.decode()
    assert said in page and 'value="gpt-5.4-mini"' in page
    assert not ProviderLimit.objects.exists()


def test_a_viewer_sees_and_changes_nothing(client, busy):
    assert "Set a limit" not in text(client)
    assert client.post("/limits/set", LIMIT).status_code == 403


def test_the_limit_of_another_workspace_is_not_there(editor, stranger):
    editor.post("/limits/set", LIMIT)
    assert stranger.post(f"/limits/{ProviderLimit.objects.get().pk}/remove").status_code in (403, 404)
    assert ProviderLimit.objects.exists()


def test_without_calls_the_page_says_so(client):
    said = text(client)
    assert "No calls in the 3 hours up to 14:32:00" in said
    assert "once the minute they came in is over" in said
    assert "No calls in the hour up to 14:32:00" in text(client, hours="1")


@pytest.mark.parametrize("hours", ["2", "x", "-1", "999999", "²"])
def test_a_strange_span_is_the_usual_one(client, busy, hours):
    assert 'aria-current="true">3 h<' in text(client, hours=hours)


def test_hostile_names_stay_text(client, send):
    send(entry(minutes=-9, model="<script>alert(1)</script>", provider="x\"'>"))
    assert "<script>alert" not in text(client)
