"""The pages of saved views."""

import csv
from io import StringIO

import pytest

from costwatch.saved.models import SavedView
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, text

pytestmark = pytest.mark.usefixtures("now", "month")
HOSTILE = "<img src=x onerror=alert(1)>\"'=1+1"


@pytest.fixture
def editor(workspace):
    return logged_in(workspace, "editor@larkfield.example", "editor")


def save(client, name="Models by task", follow=True, **data):
    fields = {"name": name, "path": "/explore", "query": "by=model&across=task", **data}
    return client.post("/views/save", fields, follow=follow)


def act(client, view: str, action: str, **data):
    return client.post(f"/views/{SavedView.objects.get(name=view).pk}/{action}", data, follow=True)


def test_a_saved_view_is_a_tab_on_its_page_and_marked_where_it_is_open(client):
    response = save(client, follow=False)
    assert response["Location"] == "/explore?by=model&across=task"
    html = client.get(response["Location"]).content.decode()
    assert '<a href="/explore?by=model&amp;across=task" title="Models by task" aria-current="page">' in html
    assert "Save this view" not in html
    assert "Save this view" in client.get("/explore").content.decode()


def test_the_form_holds_the_state_of_the_page(client):
    html = client.get("/explore?by=model&agent=a%26b").content.decode()
    assert '<input type="hidden" name="query" value="by=model&amp;agent=a%26b">' in html


def test_beyond_six_the_tabs_end_in_how_many_more_and_the_open_one_is_among_them(client):
    for number in range(9):
        save(client, f"view {number}", query=f"by=model&bucket=week&agent=a{number}")
    html = client.get("/explore?by=model&bucket=week&agent=a8").content.decode()
    assert "3 more" in text(html)
    assert 'title="view 8" aria-current="page"' in html
    assert 'title="view 6"' not in html


def test_a_view_can_be_the_front_page_and_the_overview_is_still_there(client):
    save(client, home="1")
    assert client.get("/")["Location"] == "/explore?by=model&across=task"
    overview = client.get("/overview")
    assert overview.status_code == 200
    assert "/overview" in links(overview.content.decode()), "the link of the rail"
    assert "/overview?period=7d" in links(overview.content.decode()), "its own links stay on it"
    assert client.get("/?period=7d").status_code == 200
    act(client, "Models by task", "leave")
    assert client.get("/").status_code == 200
    assert "/overview" not in links(client.get("/explore").content.decode())


def test_a_view_is_renamed_shared_and_deleted(editor, client):
    save(editor)
    assert "Models by task" not in text(client.get("/views").content.decode())
    assert "is shared with everybody here" in text(act(editor, "Models by task", "share").content.decode())
    assert "Models by task" in text(client.get("/views").content.decode())
    assert "is now called Models." in text(act(editor, "Models by task", "rename", name="Models").content.decode())
    refused = act(client, "Models", "delete")
    assert "members from the role editor on may change it" in text(refused.content.decode())
    assert "is yours alone" in text(act(editor, "Models", "unshare").content.decode())
    assert "is deleted" in text(act(editor, "Models", "delete").content.decode())
    assert not SavedView.objects.exists()


def test_a_viewer_is_not_offered_to_share(client, editor):
    assert 'name="shared"' not in client.get("/explore").content.decode()
    assert 'name="shared"' in editor.get("/explore").content.decode()
    refused = save(client, shared="1")
    assert "role editor" in text(refused.content.decode())


def test_what_cannot_be_saved_says_why(client):
    assert "1 to 80 printable characters" in text(save(client, name="  ").content.decode())
    assert "path must be one of" in text(save(client, path="//evil.example").content.decode())


def test_views_of_others_do_not_exist(workspace, editor, client, stranger):
    save(editor, "secret")
    secret = SavedView.objects.get(name="secret")
    for someone in (client, stranger):
        for action in ("rename", "delete", "home", "share"):
            assert someone.post(f"/views/{secret.pk}/{action}", {"name": "x"}).status_code == 404
        assert "secret" not in someone.get("/views").content.decode()
    assert editor.post(f"/views/{secret.pk}/nonsense").status_code == 404
    assert editor.get(f"/views/{secret.pk}/delete").status_code == 405


def test_any_name_stays_text(client, workspace):
    save(client, HOSTILE)
    for address in ("/views", "/explore", "/explore?by=model&across=task"):
        html = client.get(address).content.decode()
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)" in html


def test_without_views_the_list_says_how_to_make_one(client):
    assert "None yet." in text(client.get("/views").content.decode())


def test_the_views_that_a_member_sees_are_a_file_too(client, editor, stranger):
    assert "/views.csv" not in links(client.get("/views").content.decode())
    save(editor, name="=Shared", shared="1")
    save(editor, name="private")
    save(client, name="Mine")
    assert "/views.csv" in links(client.get("/views").content.decode())
    found = list(csv.DictReader(StringIO(client.get("/views.csv").content.decode())))
    assert [(line["name"], line["shared"], line["saved_by"]) for line in found] == [
        ("'=Shared", "true", "editor@larkfield.example"), ("Mine", "false", "viewer@larkfield.example"),
    ]  # fmt: skip
    assert found[1]["address"] == "/explore?by=model&across=task"
    assert len(stranger.get("/views.csv").content.splitlines()) == 1
