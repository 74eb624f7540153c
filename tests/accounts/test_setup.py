"""The first owner: one link, one page, once."""

import re
import threading
from zoneinfo import available_timezones

import pytest
from django.db import connection
from django.test import Client

from costwatch.accounts import setup
from costwatch.accounts.forms import time_zones
from costwatch.accounts.models import AuditEntry, Member, Role, SetupToken, Workspace
from tests.accounts.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Larkfield Support",
    "time_zone": "Europe/Berlin",
    "week_start": "7",
    "email": "Ada@Larkfield.example",
    "password": PASSWORD,
}


def link(base="http://127.0.0.1:8000"):
    return setup.setup_link(base)


def path(url):
    return "/setup/" + url.rpartition("/")[2]


def test_a_new_installation_has_a_link_and_its_secret_is_not_stored():
    url = link("http://127.0.0.1:8000/")
    assert url.startswith("http://127.0.0.1:8000/setup/")
    secret = url.rpartition("/")[2]
    assert len(secret) >= 43
    assert secret.encode() not in bytes(SetupToken.objects.get().digest)


def test_there_is_no_link_once_somebody_owns_the_installation(workspace):
    make_member(workspace, Role.OWNER)
    assert link() is None and not SetupToken.objects.exists()


def test_members_without_an_owner_do_not_close_setup(workspace):
    make_member(workspace, Role.VIEWER)
    assert link() is not None


def test_the_links_of_the_last_starts_stay_good_and_older_ones_end():
    urls = [link() for _ in range(setup.KEPT + 2)]
    good = [setup.is_open(url.rpartition("/")[2]) for url in urls]
    assert good == [False, False] + [True] * setup.KEPT


def test_the_setup_page_makes_workspace_and_owner_and_logs_in(client):
    response = client.post(path(link()), FORM)
    assert (response.status_code, response["Location"]) == (302, "/")
    owner = Member.objects.get()
    assert (owner.email, owner.role) == ("ada@larkfield.example", "owner")
    assert owner.password.startswith("argon2")
    place = owner.workspace
    assert (place.name, place.time_zone, place.week_start) == ("Larkfield Support", "Europe/Berlin", 7)
    assert client.get("/settings/profile").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.ip) == ("setup.completed", "ada@larkfield.example", "127.0.0.1")
    assert PASSWORD not in str(entry.facts)


def test_the_setup_page_works_once(client):
    url = path(link())
    other = path(link())
    client.post(url, FORM)
    for used in (url, other):
        assert Client().get(used).status_code == 404
        assert Client().post(used, {**FORM, "name": "Mine", "email": "m@m.example"}).status_code == 404
    assert Member.objects.count() == 1 and Workspace.objects.count() == 1


@pytest.mark.parametrize("secret", ["x", "%00", "a" * 5000, "..%2f", "ключ", "' OR 1=1"])
def test_a_wrong_setup_link_is_a_404_that_says_what_to_do(client, secret):
    link()
    response = client.get(f"/setup/{secret}")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("password", "short", "at least 12"),
        ("password", "password1234", "too common"),
        ("password", "x" * 1001, "at most 1000"),
        ("email", "nobody", "valid email"),
        ("email", "a\x00@b.example", "valid email"),
        ("time_zone", "Mars/Olympus", "valid choice"),
        ("week_start", "3", "valid choice"),
        ("name", "", "required"),
        ("name", "x" * 201, "at most 200"),
        ("name", "a\x00b", "not allowed"),
    ],
)
def test_a_wrong_entry_is_named_and_the_link_stays_good(client, field, value, told):
    url = path(link())
    response = client.post(url, {**FORM, field: value})
    assert response.status_code == 422
    assert told in response.content.decode()
    assert not Member.objects.exists() and not Workspace.objects.exists()
    assert client.post(url, FORM).status_code == 302


def test_the_page_never_shows_the_password_again(client):
    response = client.post(path(link()), {**FORM, "email": "nobody"})
    assert PASSWORD not in response.content.decode()


def test_a_workspace_that_nobody_belongs_to_goes_to_the_first_owner(client, workspace):
    url = path(link())
    assert "Larkfield" in client.get(url).content.decode()
    assert client.post(url, {"email": "ada@larkfield.example", "password": PASSWORD}).status_code == 302
    owner = Member.objects.get()
    assert owner.workspace == workspace and owner.workspace.time_zone == "Europe/Berlin"


def test_whoever_owns_a_workspace_that_is_there_already_does_not_create_one(client, workspace):
    page = client.get(path(link())).content.decode()
    assert "it already holds data" in page and "Become the owner" in page and "Create the workspace" not in page


def test_the_login_page_begins_in_its_first_field(client):
    page = client.get("/login").content.decode()
    assert page.count("autofocus") == 1 and re.search(r'<input type="email"[^>]*autofocus', page)


def test_every_zone_on_offer_exists_and_common_ones_are_there():
    zones = time_zones()
    assert zones[0] == "UTC" and len(zones) > 300 and set(zones) <= available_timezones()
    assert {"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"} <= set(zones)


def test_the_login_page_of_a_new_installation_points_to_the_link(client):
    assert "setup link" in client.get("/login").content.decode()
    client.post(path(link()), FORM)
    assert "setup link" not in Client().get("/login").content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_the_link_at_once_one_becomes_the_owner():
    secrets = [link().rpartition("/")[2] for _ in range(2)] * 3
    results, start = [], threading.Barrier(len(secrets))

    def use(number, secret):
        start.wait()
        try:
            place = Workspace(name=f"W{number}")
            setup.complete(secret, email=f"m{number}@x.example", password=PASSWORD, workspace=place)
            results.append("in")
        except setup.SetupClosed:
            results.append("closed")
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=pair) for pair in enumerate(secrets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["closed"] * 5 + ["in"]
    assert Member.objects.count() == Workspace.objects.count() == 1
