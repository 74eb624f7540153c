"""Logging in and out, lock-out, and what ends a session."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from costwatch.accounts import login, members
from costwatch.accounts.models import AuditEntry, LoginThrottle, Member, Role
from tests.accounts.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(workspace):
    return make_member(workspace, Role.VIEWER, "ada@larkfield.example", PASSWORD)


def log_in(client, email="ada@larkfield.example", password=PASSWORD, **extra):
    return client.post("/login", {"email": email, "password": password, **extra})


def is_in(client):
    return client.get("/settings/profile").status_code == 200


def test_the_right_password_opens_a_session_and_is_audited(client, ada):
    assert log_in(client).status_code == 302
    assert is_in(client)
    assert [e.action for e in AuditEntry.objects.all()] == ["login"]


def test_the_e_mail_may_be_written_in_any_case(client, ada):
    assert log_in(client, " ADA@Larkfield.Example ").status_code == 302


def test_wrong_password_unknown_e_mail_and_inactive_member_are_answered_alike(client, ada):
    wrong = log_in(client, password="not the password")
    unknown = log_in(client, email="bob@larkfield.example")
    Member.objects.filter(pk=ada.pk).update(is_active=False)
    inactive = log_in(client)
    assert {r.status_code for r in (wrong, unknown, inactive)} == {422}
    assert all("The e-mail or the password is not right." in r.content.decode() for r in (wrong, unknown, inactive))
    assert not is_in(client)


def test_a_failed_login_of_a_known_member_is_audited(client, ada):
    log_in(client, password="not the password")
    log_in(client, email="bob@larkfield.example")
    assert [(e.action, e.subject) for e in AuditEntry.objects.all()] == [("login.failed", ada.email)]


@pytest.mark.parametrize("email", ["ada@larkfield.example", "nobody@larkfield.example"])
def test_after_five_failures_even_the_right_password_waits_a_quarter_of_an_hour(client, ada, email):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            assert log_in(client, email, "not the password").status_code == 422
        locked = log_in(client, email)
        assert locked.status_code == 429 and 0 < int(locked["Retry-After"]) <= 901
        assert "Try again in 1" in locked.content.decode()
        clock.shift(timedelta(minutes=14, seconds=59))
        assert log_in(client, email).status_code == 429
        clock.shift(timedelta(seconds=2))
        assert log_in(client, email).status_code == (302 if email == ada.email else 422)


def test_trying_while_locked_out_does_not_lengthen_the_wait(client, ada):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(30):
            log_in(client, password="not the password")
        clock.shift(timedelta(minutes=15, seconds=1))
        assert log_in(client).status_code == 302


def test_a_lock_out_holds_for_one_address_only(client, ada):
    for _ in range(6):
        log_in(client, password="not the password")
    assert Client(REMOTE_ADDR="10.0.0.9").post("/login", {"email": ada.email, "password": PASSWORD}).status_code == 302


def test_a_success_forgets_the_failures_of_the_account(client, ada):
    for _ in range(3):
        for _ in range(4):
            log_in(client, password="not the password")
        assert log_in(Client()).status_code == 302


def test_one_address_cannot_try_one_password_on_everybody(client, ada, monkeypatch):
    monkeypatch.setattr(login, "PER_ADDRESS", 4)
    for number in range(4):
        assert log_in(client, f"m{number}@larkfield.example").status_code == 422
    assert log_in(client, "m9@larkfield.example").status_code == 429


def test_a_good_account_does_not_wipe_out_the_failures_of_its_address(client, ada, monkeypatch):
    monkeypatch.setattr(login, "PER_ADDRESS", 4)
    for number in range(3):
        log_in(client, f"m{number}@larkfield.example")
        assert log_in(Client()).status_code == 302
    log_in(client, "m7@larkfield.example")
    assert log_in(client, "m9@larkfield.example").status_code == 429


def test_the_table_of_failures_names_nobody_and_is_cleared_after_a_day(client, ada):
    log_in(client, email="hunter2@my-password.example")
    for row in LoginThrottle.objects.all():
        assert len(bytes(row.subject)) == 32
    LoginThrottle.objects.update(failed_at=timezone.now() - timedelta(days=2))
    log_in(client, email="other@larkfield.example")
    assert LoginThrottle.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_guesses_sent_at_once_do_not_get_past_the_limit(workspace):
    make_member(workspace, Role.VIEWER, "ada@larkfield.example", PASSWORD)
    results, start = [], threading.Barrier(8)

    def guess(number):
        start.wait()
        try:
            request = RequestFactory().post("/login")
            results.append(login.sign_in(request, "ada@larkfield.example", f"guess number {number}"))
        except login.LockedOut:
            results.append("locked")
        finally:
            connection.close()

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(None) == 5 and results.count("locked") == 3


@pytest.mark.parametrize(
    "data",
    [
        {}, {"email": ""}, {"email": "x", "password": "y"}, {"email": "a@b.example\x00", "password": "y"},
        {"email": "a@b.example", "password": "\x00"}, {"email": "a" * 10_000, "password": "y" * 10_000},
        {"email": "' OR 1=1 --", "password": "x"}, {"email": "a@b.example", "password": "ключ"},
    ],
)  # fmt: skip
def test_nonsense_is_answered_by_the_form(client, data):
    assert client.post("/login", data).status_code == 422


def test_the_session_gets_a_new_id_at_login(client, ada):
    client.get("/login")
    session = client.session
    session["planted"] = "1"
    session.save()
    before = client.cookies["costwatch_session"].value
    log_in(client)
    assert client.cookies["costwatch_session"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client, ada):
    log_in(client)
    cookie = client.cookies["costwatch_session"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/settings/keys?x=1", "/settings/keys?x=1"), ("https://evil.example/", "/"), ("//evil.example", "/"),
        ("/\\evil.example", "/"), ("javascript:alert(1)", "/"), ("", "/"), ("http:///evil.example", "/"),
    ],
)  # fmt: skip
def test_after_login_one_goes_back_to_where_one_came_from_but_never_to_another_site(client, ada, target, goes):
    assert log_in(client, next=target)["Location"] == goes


def test_a_page_sends_visitors_to_the_login_page_and_back(client):
    response = client.get("/settings/keys?x=1")
    assert response.status_code == 302 and response["Location"] == "/login?next=/settings/keys%3Fx%3D1"


def test_a_fragment_request_without_session_moves_the_whole_page_to_the_login(client):
    response = client.get(
        "/settings/keys", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/settings/keys"}
    )
    assert response.status_code == 401 and response["HX-Redirect"] == "/login?next=/settings/keys"


def test_who_is_logged_in_is_sent_on_from_the_login_page(client, ada):
    log_in(client)
    assert client.get("/login")["Location"] == "/"


def test_logging_out_ends_the_session_and_takes_a_post(client, ada):
    log_in(client)
    assert client.get("/logout").status_code == 405 and is_in(client)
    assert client.post("/logout")["Location"] == "/login"
    assert not is_in(client)
    assert AuditEntry.objects.filter(action="logout").exists()


def test_forms_need_their_token(ada):
    client = Client(enforce_csrf_checks=True)
    response = log_in(client)
    assert response.status_code == 403 and "out of date" in response.content.decode()


def test_another_password_ends_the_other_sessions_and_keeps_this_one(ada):
    here, there = Client(), Client()
    log_in(here), log_in(there)
    changed = here.post("/settings/profile/password", {"current": PASSWORD, "password": "another good sentence"})
    assert changed.status_code == 302
    assert is_in(here) and not is_in(there)
    assert log_in(there).status_code == 422
    assert log_in(there, password="another good sentence").status_code == 302
    assert AuditEntry.objects.filter(action="member.password_changed").count() == 1


def test_the_present_password_is_needed_to_choose_another(client, ada):
    log_in(client)
    response = client.post("/settings/profile/password", {"current": "wrong", "password": "another good sentence"})
    assert response.status_code == 422 and "not your present password" in response.content.decode()
    response = client.post("/settings/profile/password", {"current": PASSWORD, "password": "short"})
    assert response.status_code == 422
    assert log_in(Client()).status_code == 302


def test_another_role_ends_all_sessions_of_the_member(client, ada, owner):
    log_in(client)
    members.change_role(owner, ada, Role.EDITOR)
    assert not is_in(client)


def test_a_removed_or_inactive_member_is_out_at_once(client, ada, owner):
    log_in(client)
    Member.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_in(client)
    Member.objects.filter(pk=ada.pk).update(is_active=True)
    client = Client()
    log_in(client)
    members.remove(owner, ada)
    assert not is_in(client)


def test_a_member_can_log_out_everywhere_else(ada):
    here, there = Client(), Client()
    log_in(here), log_in(there)
    assert here.post("/settings/profile/sessions").status_code == 302
    assert is_in(here) and not is_in(there)


def test_a_session_ends_after_eight_idle_hours_and_lives_on_when_used(client, ada):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        log_in(client)
        for _ in range(4):
            clock.shift(timedelta(hours=7))
            assert is_in(client)
        clock.shift(timedelta(hours=8, minutes=1))
        assert not is_in(client)


def test_no_session_lives_longer_than_seven_days(client, ada):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        log_in(client)
        for _ in range(24):
            clock.shift(timedelta(hours=7))
            assert is_in(client)
        clock.shift(timedelta(hours=1))
        assert not is_in(client)


def test_a_page_costs_two_queries_of_access_control(ada):
    client = Client()
    log_in(client)
    with CaptureQueriesContext(connection) as asked:
        client.get("/settings/profile")
    about_access = [q["sql"] for q in asked if "session" in q["sql"] or "accounts_" in q["sql"]]
    assert len(about_access) == 2  # session; member with workspace


def test_the_callers_address_is_taken_from_trusted_proxies_only(settings, client, ada):
    def noted(forwarded):
        Client(REMOTE_ADDR="10.1.1.1").post(
            "/login", {"email": ada.email, "password": "not the password"}, headers={"X-Forwarded-For": forwarded}
        )
        return AuditEntry.objects.latest("id").ip

    assert noted("203.0.113.5") == "10.1.1.1"
    settings.TRUSTED_PROXIES = 1
    assert noted("6.6.6.6, 203.0.113.5") == "203.0.113.5"
    assert noted("") == "10.1.1.1"
    assert noted("6.6.6.6, nonsense") is None
    settings.TRUSTED_PROXIES = 2
    assert noted("6.6.6.6, 203.0.113.5, 10.1.1.2") == "203.0.113.5"
