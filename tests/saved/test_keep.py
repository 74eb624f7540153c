"""Saved views: whose they are, who sees and changes them, and what can be one."""

import pytest

from costwatch.accounts.models import AuditEntry, Member, Role, Workspace
from costwatch.saved import keep
from costwatch.saved.keep import BadView
from costwatch.saved.models import Home, SavedView

pytestmark = pytest.mark.django_db
EXPLORE = {"path": "/explore", "query": "by=model"}


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Larkfield Support")


def member(workspace: Workspace, role: str = Role.EDITOR, name: str = "mara") -> Member:
    return Member.objects.create(workspace=workspace, email=f"{name}@larkfield.example", role=role)


def save(by: Member, name: str = "Models", *, shared: bool = False, **data: str) -> SavedView:
    return keep.save(by.workspace, by, {"name": name, **EXPLORE, **data}, shared=shared)


def names(of: Member | None, workspace: Workspace) -> list[str]:
    return [view.name for view in keep.visible(workspace, of)]


def test_a_private_view_is_seen_by_its_owner_alone_and_a_shared_one_by_all(workspace):
    mara, noah = member(workspace), member(workspace, name="noah")
    save(mara, "mine")
    save(mara, "ours", shared=True)
    assert names(mara, workspace) == ["mine", "ours"]
    assert names(noah, workspace) == ["ours"]
    assert names(None, workspace) == ["ours"], "a program sees what is shared"
    assert names(None, Workspace.objects.create(name="Somebody else")) == []


def test_saving_under_a_known_name_replaces_it(workspace):
    mara = member(workspace)
    first = save(mara)
    again = save(mara, query="by=task")
    assert (again.pk, again.url) == (first.pk, "/explore?by=task")
    assert save(mara, shared=True).pk != first.pk, "a shared one of this name is another"


def test_a_viewer_keeps_private_views_and_shares_none(workspace):
    viewer = member(workspace, Role.VIEWER)
    view = save(viewer)
    assert keep.may_change(view, viewer)
    with pytest.raises(BadView, match="role editor"):
        save(viewer, "other", shared=True)
    with pytest.raises(BadView, match="role editor"):
        keep.share(view, viewer, True)


def test_what_is_shared_is_changed_by_editors_and_noted(workspace):
    mara, noah, viewer = member(workspace), member(workspace, name="noah"), member(workspace, Role.VIEWER, "vera")
    view = save(mara, shared=True)
    assert [keep.may_change(view, who) for who in (mara, noah, viewer)] == [True, True, False]
    keep.rename(view, noah, "Models of ours")
    keep.delete(view, noah)
    assert list(AuditEntry.objects.order_by("id").values_list("action", "actor")) == [
        ("view.saved", str(mara)), ("view.renamed", str(noah)), ("view.deleted", str(noah))]  # fmt: skip


def test_what_is_private_is_not_noted(workspace):
    mara = member(workspace)
    keep.delete(save(mara), mara)
    assert not AuditEntry.objects.exists()


def test_unsharing_makes_it_ones_own_and_takes_it_off_the_front_pages_of_others(workspace):
    mara, noah = member(workspace), member(workspace, name="noah")
    view = save(mara, shared=True)
    for who in (mara, noah):
        keep.set_home(who, view)
    keep.share(view, mara, False)
    assert (keep.home_of(mara), keep.home_of(noah)) == (view, None)
    assert names(noah, workspace) == []
    keep.share(view, mara, True)
    assert names(noah, workspace) == ["Models"]


def test_two_shared_views_cannot_have_one_name(workspace):
    mara = member(workspace)
    view = save(mara)
    save(mara, shared=True)
    with pytest.raises(BadView, match="There is a view called Models already"):
        keep.share(view, mara, True)
    other = save(mara, "Other", shared=True)
    with pytest.raises(BadView, match="already"):
        keep.rename(other, mara, "Models")


def test_the_front_page_changes_goes_back_and_goes_with_the_view(workspace):
    mara = member(workspace)
    first, second = save(mara, "a"), save(mara, "b")
    keep.set_home(mara, first)
    keep.set_home(mara, second)
    assert keep.home_of(mara) == second
    keep.set_home(mara, None)
    assert keep.home_of(mara) is None
    keep.set_home(mara, second)
    keep.delete(second, mara)
    assert not Home.objects.exists()


def test_when_a_member_goes_the_shared_views_stay(workspace):
    mara = member(workspace)
    save(mara, "mine")
    save(mara, "ours", shared=True)
    mara.delete()
    assert [(view.name, view.created_by) for view in SavedView.objects.all()] == [("ours", None)]


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 81, "a\0b", "a\u202eb", "a\x1b[31mb", None, 7, ["a"], "\u200b"]
)  # fmt: skip
def test_a_name_must_be_readable(workspace, name):
    with pytest.raises(BadView) as refused:
        keep.save(workspace, member(workspace), {"name": name, **EXPLORE}, shared=False)
    assert refused.value.field == "name"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=HYPERLINK(1)", "Größe 日本語 🙂", "  two   words "])
def test_any_readable_name_is_kept_as_text(workspace, name):
    assert save(member(workspace), name).name == " ".join(name.split())


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/explore/../logout", "/settings/keys", "", None, 5, "/explore?x"],
)
def test_no_view_leads_anywhere_else(workspace, path):
    with pytest.raises(BadView) as refused:
        keep.save(workspace, member(workspace), {"name": "x", "path": path}, shared=False)
    assert refused.value.field == "path"


def test_the_overview_is_kept_under_an_address_that_is_never_the_front_page(workspace):
    assert save(member(workspace), path="/", query="period=7d").url == "/overview?period=7d"


@pytest.mark.parametrize("query", ["x=" + "y" * 2_000, "a=%00", "ü=1", None, {"by": "model"}])
def test_a_query_must_be_one(workspace, query):
    with pytest.raises(BadView) as refused:
        keep.save(workspace, member(workspace), {"name": "x", "path": "/explore", "query": query}, shared=False)
    assert refused.value.field == "query"


def test_what_only_a_moment_needs_is_left_out_of_the_query(workspace):
    query = "?by=model&agent=a%26b&agent!=&pick=agent&cursor=x&page=3"
    assert save(member(workspace), query=query).query == "by=model&agent=a%26b&agent%21="


def test_a_workspace_keeps_only_so_many(workspace, monkeypatch):
    monkeypatch.setattr(keep, "MOST", 2)
    mara = member(workspace)
    save(mara, "a")
    save(mara, "b")
    save(mara, "b", query="by=task")
    with pytest.raises(BadView, match="at most 2"):
        save(mara, "c")
