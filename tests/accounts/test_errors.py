"""What a failing request is answered with: pages for people, JSON for programs, headers on both."""

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from costwatch import errors, middleware
from costwatch.accounts.keys import create_key

pytestmark = pytest.mark.django_db
SECRET_WORDS = ("Traceback", "costwatch/", "psycopg", "SELECT", "server closed")


@pytest.mark.parametrize("path", ["/nothing-here", "/api/v1/nothing-here", "/v1/nothing-here", "/static/nothing.css"])
def test_an_unknown_address_is_a_404_in_the_form_of_the_caller(client, path):
    response = client.get(path)
    assert response.status_code == 404
    if path.startswith(("/api", "/v1")):
        assert response.json()["error"]["code"] == "not_found"
    else:
        assert "There is nothing here" in response.content.decode()


def broken(path, raised):
    """The answer to `path` while every query fails."""

    def fails(*_):
        raise raised

    client = Client(raise_request_exception=False)
    client.cookies["costwatch_session"] = "a" * 32
    with connection.execute_wrapper(fails):
        return client.get(path)


def test_a_database_that_does_not_answer_is_a_503_to_come_back_after():
    response = broken("/settings/profile", OperationalError("server closed the connection"))
    assert response.status_code == 503 and 1 <= int(response["Retry-After"]) <= 5
    assert "Try again in a few seconds" in response.content.decode()


def test_a_fault_of_ours_is_a_500_without_internals():
    response = broken("/settings/profile", ZeroDivisionError("SELECT from costwatch/accounts"))
    assert response.status_code == 500 and "in the server" in response.content.decode()


@pytest.mark.parametrize("raised", [OperationalError("server closed"), ZeroDivisionError("SELECT")])
def test_no_error_shows_internals_and_every_one_has_the_headers(raised):
    response = broken("/settings/profile", raised)
    assert not any(word in response.content.decode() for word in SECRET_WORDS)
    assert response["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_program_is_told_of_a_database_that_does_not_answer_in_json(workspace):
    _, text = create_key(workspace, "k", ["admin"])

    def fails(*_):
        raise OperationalError("server closed the connection")

    with connection.execute_wrapper(fails):
        response = Client(raise_request_exception=False).get(
            "/api/v1/keys", headers={"Authorization": f"Bearer {text}"}
        )
    assert response.status_code == 503 and response.json()["error"]["code"] == "unavailable"
    assert 1 <= int(response["Retry-After"]) <= 5


def test_trouble_later_in_an_api_view_is_a_503_too(workspace):
    _, text = create_key(workspace, "k", ["admin"])

    def fails_on_lists(execute, sql, *rest):
        if "ORDER BY" in sql and "accounts_apikey" in sql and "LIMIT 101" in sql:
            raise OperationalError("terminating connection")
        return execute(sql, *rest)

    with connection.execute_wrapper(fails_on_lists):
        response = Client(raise_request_exception=False).get(
            "/api/v1/keys", headers={"Authorization": f"Bearer {text}"}
        )
    assert response.status_code == 503 and response.json()["error"]["field"] is None


@pytest.mark.parametrize("status", sorted(errors.SENTENCES))
@pytest.mark.parametrize("path", ["/page", "/api/v1/x"])
def test_every_error_has_a_page_and_a_json_form_that_need_no_database(status, path, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = errors.answer(RequestFactory().get(path), status)
    assert response.status_code == status
    assert response["Content-Type"].startswith("application/json" if path.startswith("/api") else "text/html")


def test_a_host_that_is_not_ours_is_a_400(settings):
    settings.ALLOWED_HOSTS = ["costwatch.example"]
    assert Client(headers={"Host": "evil.example"}).get("/login").status_code == 400


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'; report-uri /csp-report"
)


@pytest.mark.parametrize("path", ["/login", "/nothing", "/api/v1/keys", "/settings/keys"])
def test_every_answer_tells_the_browser_what_to_refuse(client, path):
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "Server" not in headers


def test_over_https_reports_have_an_endpoint_for_browsers_that_leave_report_uri_aside(client):
    headers = client.get("/login", secure=True).headers
    assert headers["Content-Security-Policy"] == f"{POLICY}; report-to csp"
    assert headers["Reporting-Endpoints"] == 'csp="/csp-report"'
    assert "Reporting-Endpoints" not in client.get("/login").headers


def test_strict_transport_security_is_the_operators_choice(settings):
    assert "Strict-Transport-Security" not in Client().get("/login", secure=True).headers
    settings.SECURE_HSTS_SECONDS = 3600
    assert Client().get("/login", secure=True)["Strict-Transport-Security"] == "max-age=3600"


def test_a_view_may_set_a_policy_of_its_own(rf):
    own = HttpResponse(headers={"Content-Security-Policy": "default-src 'self'"})
    answer = middleware.security_headers(lambda request: own)(rf.get("/"))
    assert answer["Content-Security-Policy"] == "default-src 'self'"


def test_no_page_has_inline_script_or_style(as_member, admin, client):
    insider = as_member(admin)
    pages = [client.get("/login"), *(insider.get(f"/settings/{p}") for p in ("keys", "members", "profile", "audit"))]
    for page in pages:
        text = page.content.decode()
        assert "<style" not in text and " style=" not in text and " onclick=" not in text
        assert all("src=" in tag for tag in text.split("<script")[1:])


def test_what_a_member_does_not_find_is_said_within_the_frame_with_a_field_to_look_again(as_member, admin):
    page = as_member(admin).get("/runs/no-such-run").content.decode()
    assert "This workspace knows no run with this id." in page
    assert 'aria-label="Main"' in page and 'placeholder="Run, session or event id"' in page


def test_what_a_member_may_not_do_is_said_within_the_frame(as_member, viewer):
    answer = as_member(viewer).get("/settings/keys")
    page = answer.content.decode()
    assert answer.status_code == 403 and 'aria-label="Main"' in page and "find-id" not in page


def test_a_stranger_learns_nothing_of_the_frame(client):
    page = client.get("/nothing-here").content.decode()
    assert 'aria-label="Main"' not in page and "find-id" not in page


@pytest.mark.parametrize("path", ["/prices/agreed/add", "/limits/set", "/theme", "/views/save"])
def test_whoever_opens_the_address_of_a_form_is_told_so_on_a_page(as_member, admin, path):
    answer = as_member(admin).get(path)
    assert answer.status_code == 405 and answer["Allow"]
    assert "takes what a form sends and shows nothing by itself" in answer.content.decode()


def test_programs_keep_their_own_answer_to_a_wrong_method(client):
    assert client.get("/api/v1/quote").json()["error"]["code"] == "method_not_allowed"
    assert client.get("/theme", headers={"Accept": "application/json"}).content == b""
