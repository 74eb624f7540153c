"""The frame of every page: navigation, theme, the same address with and without htmx."""

import pytest
from django.test import Client

from costwatch.accounts.models import Member

pytestmark = pytest.mark.usefixtures("now")


def test_the_rail_marks_where_one_is(client, month):
    for address, name in (
        ("/", "Overview"),
        ("/runs", "Runs"),
        ("/runs/r-1", "Runs"),
        ("/settings/profile", "Settings"),
        ("/stops", "Incidents"),
    ):
        assert f'aria-current="page">{name}</a>' in client.get(address).content.decode()


def test_every_link_of_the_rail_leads_somewhere(client):
    for address in ("/", "/runs", "/settings"):
        assert client.get(address, follow=True).status_code == 200


def test_a_theme_is_kept_for_the_member_and_for_the_browser(client):
    response = client.post("/theme", {"theme": "dark"}, headers={"Referer": "http://testserver/runs"})
    assert (response.status_code, response["Location"]) == (302, "http://testserver/runs")
    assert Member.objects.get().theme == "dark"
    assert '<html lang="en" data-theme="dark">' in client.get("/").content.decode()
    visitor = Client()
    visitor.cookies["costwatch_theme"] = response.cookies["costwatch_theme"].value
    assert '<html lang="en" data-theme="dark">' in visitor.get("/login").content.decode()


def test_a_script_gets_a_short_answer(client):
    assert client.post("/theme", {"theme": "light"}, headers={"X-Requested-With": "fetch"}).status_code == 204


def test_no_other_word_is_a_theme_and_no_other_site_a_way_back(db):
    visitor = Client()
    response = visitor.post("/theme", {"theme": '"><script>'}, headers={"Referer": "https://evil.example/"})
    assert response["Location"] == "/"
    assert response.cookies["costwatch_theme"].value == "system"
    visitor.cookies["costwatch_theme"] = '"><script>'
    assert '<html lang="en">' in visitor.get("/login").content.decode()


def test_a_theme_is_set_by_a_form_with_a_token():
    assert Client(enforce_csrf_checks=True).post("/theme", {"theme": "dark"}).status_code == 403
    assert Client().get("/theme").status_code == 405


def test_pages_bring_no_inline_script_and_no_style_attribute(client, month):
    for address in ("/", "/?by=user", "/runs", "/runs/r-1"):
        html = client.get(address).content.decode()
        assert "<script>" not in html and " style=" not in html and " onclick=" not in html
