"""Saved views through their pages: each role, each state of a view, each wrong request, and the front page."""

import pytest
from django.test import Client

from costwatch.accounts.models import AuditEntry, Member
from costwatch.saved.models import Home, SavedView
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, rows, text

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now", "month")]

ROLES = ("viewer", "editor", "admin", "owner")
ACTIONS = ("rename", "share", "unshare", "delete", "home", "leave")


@pytest.fixture
def people(workspace) -> dict[str, Client]:
    return {role: logged_in(workspace, f"{role}@larkfield.example", role) for role in ROLES}


def save(client: Client, name: str = "Models", **data: str):
    fields = {"name": name, "path": "/explore", "query": "by=model", **data}
    return client.post("/views/save", fields)


def act(client: Client, view: SavedView, action: str, **data: str):
    return client.post(f"/views/{view.pk}/{action}", data, follow=True)


def said(response) -> str:
    return text(response.content.decode())


@pytest.mark.parametrize("role", ROLES)
def test_every_role_keeps_views_of_its_own_and_does_with_them_what_it_likes_but_a_viewer_shares_none(people, role):
    client = people[role]
    assert save(client)["Location"] == "/explore?by=model"
    view = SavedView.objects.get()
    assert view.owner.email == f"{role}@larkfield.example"
    act(client, view, "rename", name="Mine")
    act(client, view, "home")
    view.refresh_from_db()
    assert (view.name, Home.objects.get().view) == ("Mine", view)
    shared = act(client, view, "share")
    view.refresh_from_db()
    assert view.shared == (role != "viewer")
    assert ("role editor" in said(shared)) == (role == "viewer")
    act(client, view, "delete")
    assert not SavedView.objects.exists() and not Home.objects.exists()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", ["rename", "unshare", "delete"])
def test_a_shared_view_is_changed_by_editors_and_up_whoever_saved_it(people, role, action):
    save(people["owner"], shared="1")
    view = SavedView.objects.get()
    answer = act(people[role], view, action, name="Renamed")
    changed = not SavedView.objects.filter(pk=view.pk, owner=None, name="Models").exists()
    assert changed == (role != "viewer")
    assert ("members from the role editor on may change it" in said(answer)) == (role == "viewer")


@pytest.mark.parametrize("role", ROLES)
def test_anybody_may_open_a_shared_view_first_and_go_back(people, role):
    save(people["owner"], shared="1")
    view, client = SavedView.objects.get(), people[role]
    assert "Models is your front page." in said(act(client, view, "home"))
    assert client.get("/")["Location"] == "/explore?by=model"
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 200, "a part of the Overview stays that"
    assert people["owner" if role != "owner" else "admin"].get("/").status_code == 200, "nobody else's front page"
    assert "The Overview is your front page again." in said(act(client, view, "leave"))
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("action", ["unshare", "delete"])
def test_a_front_page_that_is_taken_away_is_the_overview_again(people, action):
    save(people["owner"], shared="1")
    view = SavedView.objects.get()
    act(people["viewer"], view, "home")
    act(people["editor"], view, action)
    assert people["viewer"].get("/").status_code == 200
    assert not Home.objects.exists()


def test_whoever_unshares_a_view_has_it(people):
    save(people["owner"], shared="1")
    act(people["editor"], SavedView.objects.get(), "unshare")
    assert SavedView.objects.get().owner.email == "editor@larkfield.example"
    assert "/explore?by=model" not in links(people["owner"].get("/views").content.decode())


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_are_posts_with_a_token_of_members_who_see_the_view(people, stranger, action):
    save(people["owner"])
    view = SavedView.objects.get()
    address = f"/views/{view.pk}/{action}"
    assert people["owner"].get(address).status_code == 405
    assert Client().post(address)["Location"].startswith("/login")
    assert stranger.post(address, {"name": "x"}).status_code == 404
    assert people["admin"].post(address, {"name": "x"}).status_code == 404, "private, even from an admin"
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(Member.objects.get(email="owner@larkfield.example"))
    assert strict.post(address, {"name": "x"}).status_code == 403
    view.refresh_from_db()
    assert (view.name, view.owner.email) == ("Models", "owner@larkfield.example")


@pytest.mark.parametrize("address", ["/views/999999/delete", "/views/0/home", "/views/1/explode", "/views/x/delete"])
def test_what_is_not_there_is_not_there(people, address):
    assert people["owner"].post(address).status_code == 404


def test_a_name_that_is_taken_is_refused_and_both_stay(people):
    save(people["editor"], "One", shared="1"), save(people["editor"], "Two", shared="1")
    answer = act(people["editor"], SavedView.objects.get(name="Two"), "rename", name="One")
    assert "There is a view called One already." in said(answer)
    assert sorted(SavedView.objects.values_list("name", flat=True)) == ["One", "Two"]
    save(people["owner"], "One")
    answer = act(people["owner"], SavedView.objects.get(name="One", owner__isnull=False), "share")
    assert "There is a view called One already." in said(answer)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u202eb"])
def test_a_name_that_cannot_be_one_changes_nothing(people, name):
    save(people["editor"])
    answer = act(people["editor"], SavedView.objects.get(), "rename", name=name)
    assert "The name must be 1 to 80 printable characters." in said(answer)
    assert SavedView.objects.get().name == "Models"


def test_only_what_everybody_sees_is_in_the_audit_log(people):
    save(people["editor"], "Private")
    act(people["editor"], SavedView.objects.get(), "rename", name="Still private")
    assert not AuditEntry.objects.exists()
    act(people["editor"], SavedView.objects.get(), "share")
    act(people["admin"], SavedView.objects.get(), "rename", name="Ours")
    act(people["owner"], SavedView.objects.get(), "delete")
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "view.shared", "view.renamed", "view.deleted"]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "query", "leads_to"),
    [
        ("/", "period=7d", "/overview?period=7d"),
        ("/overview", "", "/overview"),
        ("/variance", "?by=task&against=weeks", "/variance?by=task&against=weeks"),
        ("/explore", "by=user&page=3&pick=agent&value=x&among=y&op=is", "/explore?by=user"),
        ("/runs", "agent=a%26b", "/runs?agent=a%26b"),
        ("/explore", "tag.a=%2F%2Fevil.example%0D%0AX%3A+1", "/explore?tag.a=%2F%2Fevil.example%0D%0AX%3A+1"),
    ],
)  # fmt: skip
def test_a_view_leads_to_the_page_it_was_saved_on(people, path, query, leads_to):
    response = save(people["editor"], "A", path=path, query=query)
    assert response["Location"] == leads_to
    assert people["editor"].get(leads_to).status_code == 200
    assert leads_to in links(people["editor"].get("/views").content.decode())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [({"path": "/settings/keys"}, "path must be one of /explore, /overview"), ({"path": "//evil.example"}, "path must"),
     ({"query": "x=" + "y" * 3000}, "query must be the query string of an address"), ({"query": "a=%00"}, "query must"),
     ({"name": "\u200b"}, "The name must be")],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused_and_nothing_is_kept(people, data, sentence):
    response = people["owner"].post("/views/save", {"name": "A", "path": "/explore", "query": "", **data}, follow=True)
    assert sentence in said(response)
    assert not SavedView.objects.exists()


def test_saving_again_under_a_name_replaces_the_view_and_stays_the_front_page(people):
    save(people["viewer"], home="1")
    save(people["viewer"], query="by=task")
    assert SavedView.objects.count() == 1
    assert people["viewer"].get("/")["Location"] == "/explore?by=task"


def test_the_list_says_who_sees_a_view_who_saved_it_and_which_is_the_front_page(people):
    save(people["owner"], "Ours", shared="1")
    save(people["viewer"], "Mine", home="1")
    html = people["viewer"].get("/views").content.decode()
    mine, ours = (next(cells for cells in rows(html) if cells[0] == name) for name in ("Mine", "Ours"))
    assert (mine[1], mine[3]) == ("you", "yours Undo")
    assert (ours[1], ours[3], ours[4]) == ("everybody here", "Set", ""), "a viewer is not offered to change it"
    assert ours[2].startswith("owner@larkfield.example, 18 Nov 2026")
    assert "Share with everybody here" not in html


def test_tabs_are_those_of_this_page_and_the_open_one_is_marked(people):
    save(people["editor"], "Weekly", query="by=model&bucket=week")
    save(people["editor"], "Other page", path="/variance", query="by=task")
    html = people["editor"].get("/explore?bucket=week&by=model").content.decode()
    assert 'title="Weekly" aria-current="page"' in html, "whatever order the address has"
    assert "/variance?by=task" not in links(html)
    assert 'value="Spend per day by agent"' in people["editor"].get("/explore").content.decode(), "a name is suggested"
