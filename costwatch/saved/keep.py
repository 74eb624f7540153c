"""Keeping views: who sees which, and who may change them. A view is private to its owner or shared by all."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.saved.models import LONGEST_NAME, LONGEST_QUERY, Home, SavedView

# pages whose address is all of their state; nothing else can be a view, so that none leads out of the product
PATHS = ("/explore", "/overview", "/runs", "/sessions", "/variance", "/releases", "/limits", "/budgets", "/incidents")
MOST = 500  # of a workspace
SHARING = "editor"  # the role from which on a member may share, and change what is shared


class BadView(ValueError):
    """A view that cannot be kept like this; the message says what to change about `field`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def visible(workspace: Workspace, member: Member | None) -> QuerySet[SavedView]:
    """The views that a member (None: a program) sees, by name."""
    seen = Q(owner=None) | Q(owner=member) if member else Q(owner=None)
    rows = SavedView.objects.filter(seen, workspace=workspace)
    return rows.select_related("created_by").order_by("name", "id")


def may_change(view: SavedView, member: Member) -> bool:
    """Whether a member may rename, delete, share it."""
    return member.may(SHARING) if view.shared else view.owner_id == member.pk


def save(
    workspace: Workspace, by: Member | ApiKey, data: dict[str, Any], *, shared: bool, ip: str | None = None
) -> SavedView:
    """Keep `name`, `path` and `query` of `data`; what has the same name already is replaced. Raises BadView."""
    member = by if isinstance(by, Member) else None
    if shared and member and not member.may(SHARING):
        raise BadView("shared", f"Only members from the role {SHARING} on may share a view.")
    name, path, query = _name(data.get("name")), _path(data.get("path")), _query(data.get("query", ""))
    owner = None if shared else member
    known = SavedView.objects.filter(workspace=workspace, owner=owner, name=name).exists()
    if not known and SavedView.objects.filter(workspace=workspace).count() >= MOST:
        raise BadView("name", f"A workspace keeps at most {MOST} views; delete one first.")
    address = {"path": path, "query": query}
    with transaction.atomic():
        view, _ = SavedView.objects.update_or_create(
            address, {**address, "created_by": member}, workspace=workspace, owner=owner, name=name
        )
        _note(by, "view.saved", view, {"address": view.url}, ip)
    return view


def rename(view: SavedView, by: Member, name: Any, ip: str | None = None) -> None:
    """Give it another name. Raises BadView."""
    before, view.name = view.name, _name(name)
    _store(view, by, "view.renamed", {"before": before}, ip)


def share(view: SavedView, by: Member, shared: bool, ip: str | None = None) -> None:
    """Share it with the workspace, or make it one's own. Raises BadView."""
    if not by.may(SHARING):
        raise BadView("shared", f"Only members from the role {SHARING} on may share a view.")
    view.owner = None if shared else by
    if not shared:  # nobody else sees it from now on
        Home.objects.filter(view=view).exclude(member=by).delete()
    _store(view, by, "view.shared" if shared else "view.unshared", {}, ip, always=True)


def delete(view: SavedView, by: Member | ApiKey, ip: str | None = None) -> None:
    """Forget it; whose front page it was gets the Overview again."""
    with transaction.atomic():
        _note(by, "view.deleted", view, {"address": view.url}, ip)
        view.delete()


def set_home(member: Member, view: SavedView | None) -> None:
    """Make it the member's front page; None: the Overview again."""
    if view is None:
        Home.objects.filter(member=member).delete()
    else:
        Home.objects.update_or_create(member=member, defaults={"view": view})


def home_of(member: Member) -> SavedView | None:
    """The view a member's front page leads to."""
    found = Home.objects.filter(member=member).select_related("view").first()
    return found.view if found else None


def _store(
    view: SavedView, by: Member, action: str, facts: dict[str, Any], ip: str | None, *, always: bool = False
) -> None:
    try:
        with transaction.atomic():
            view.save()
            _note(by, action, view, facts, ip, always=always)
    except IntegrityError:
        raise BadView("name", f"There is a view called {view.name} already.") from None


def _note(
    by: Member | ApiKey, action: str, view: SavedView, facts: dict[str, Any], ip: str | None, *, always: bool = False
) -> None:
    """What all see is noted; what somebody keeps for themselves is nobody's business."""
    if view.shared or always:
        audit.record(view.workspace, by, action, view, facts, ip)


def _name(value: Any) -> str:
    name = " ".join(value.split()) if isinstance(value, str) else ""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadView("name", f"The name must be 1 to {LONGEST_NAME} printable characters.")
    return name


def _path(value: Any) -> str:
    path = "/overview" if value == "/" else value
    if path not in PATHS:
        raise BadView("path", f"path must be one of {', '.join(PATHS)}.")
    return str(path)


def _query(value: Any) -> str:
    """The state as its page would write it."""
    text = value.removeprefix("?") if isinstance(value, str) else None
    if text is None or len(text) > LONGEST_QUERY or "\0" in text or not text.isascii():
        raise BadView("query", f"query must be the query string of an address, at most {LONGEST_QUERY:,} characters.")
    pairs = parse_qsl(text, keep_blank_values=True)
    query = urlencode([pair for pair in pairs if pair[0] not in ("pick", "op", "value", "among", "page", "cursor")])
    if len(query) > LONGEST_QUERY or "%00" in query:
        raise BadView("query", f"query must be the query string of an address, at most {LONGEST_QUERY:,} characters.")
    return query
