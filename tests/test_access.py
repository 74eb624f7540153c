"""Every address of the product, against everybody who may come: a route without a rule fails here.

The rule is what the view declares (costwatch/accounts/access.py). A request that must not pass is answered by the login
page, 401 or 403; one that may is answered by anything but that, and never by a fault. Rows of another workspace do not
exist for anybody. Each request is rolled back, so that the order does not matter.
"""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from costwatch.accounts import keys, links
from costwatch.accounts.access import rule_of
from costwatch.accounts.models import ApiKey, Invitation, Member, Role, Workspace
from costwatch.alerts import stops
from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Channel, Delivery, Incident, Kind, Severity, Stop
from costwatch.anomalies.models import Expected
from costwatch.budgets import manage
from costwatch.budgets.models import Budget
from costwatch.digests.models import Subscription
from costwatch.digests.subscriptions import subscribe
from costwatch.limits.models import ProviderLimit
from costwatch.pricing.models import RepriceOrder
from costwatch.saved.models import SavedView

METHODS = ("get", "post", "put", "patch", "delete")
ROLES = [role.value for role in Role]
# what stands for a parameter in an address: a row of the own workspace, and one of another; text needs no row
TEXT = "nothing-like-this"
ROWS = {
    "key_id": ApiKey,
    "member_id": Member,
    "invitation_id": Invitation,
    "order_id": RepriceOrder,
    "incident_id": Incident,
    "expected_id": Expected,
    "subscription_id": Subscription,
    "view_id": SavedView,
    "stop_id": Stop,
    "channel_id": Channel,
    "delivery_id": Delivery,
    "budget_id": Budget,
    "limit_id": ProviderLimit,
}


def _routes(patterns, prefix=""):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield path, pattern.callback
        else:
            yield from _routes(pattern.url_patterns, path)


ROUTES = dict(_routes(get_resolver().url_patterns))


class Place:
    """A workspace with a member of every role, a key of every scope and one of everything an address can name."""

    def __init__(self, name):
        self.workspace = Workspace.objects.create(name=name)
        self.members = {role: self._member(role) for role in ROLES}
        self.keys = {scope: keys.create_key(self.workspace, scope, [scope])[1] for scope in keys.SCOPES}
        self.rows = {
            "key_id": keys.create_key(self.workspace, "spare", ["ingest"])[0].pk,
            "member_id": self._member("viewer", "spare").pk,
            "invitation_id": self._invitation().pk,
            "order_id": self._order().pk,
            "incident_id": self._incident(),
            "expected_id": self._expected(),
            "subscription_id": self._subscription(),
            "view_id": self._view(),
            "stop_id": stops.place(self.workspace.pk, {"agent": ["a"]}, "kill", "Enough.", key="kill:1"),
            "channel_id": self._channel().pk,
            "delivery_id": self._delivery().pk,
            "limit_id": ProviderLimit.objects.create(workspace=self.workspace, provider="openai", requests=9).pk,
            "budget_id": manage.create(
                self.workspace, {"name": "b", "amount_usd": 5, "period": "daily"}, "somebody"
            ).pk,
        }

    def _member(self, role, name=None):
        email = f"{name or role}@{self.workspace.name}.example"
        return Member.objects.create(workspace=self.workspace, role=role, email=email, password="!")

    def _order(self):
        at = "2026-01-01T00:00:00Z"
        return RepriceOrder.objects.create(workspace=self.workspace, start=at, end=at, reached=at, state="counted")

    def _channel(self):
        return Channel.objects.create(workspace=self.workspace, kind="email", name="a channel", sealed="unreadable")

    def _delivery(self):
        body = {"id": "x", "type": "test", "workspace": self.workspace.name, "incidents": []}
        channel = Channel.objects.get(workspace=self.workspace, name="a channel")
        return Delivery.objects.create(workspace=self.workspace, channel=channel, type="test", body=body)

    def _incident(self):
        report = Report(Kind.LOOP, "loop:1", Severity.ALARM, "a loop", "It loops.", "triage", timezone.now())
        return open_or_update(self.workspace.pk, report, timezone.now())

    def _view(self):
        return SavedView.objects.create(workspace=self.workspace, name="all", path="/explore").pk

    def _subscription(self):
        member = self.members["owner"]
        return subscribe(self.workspace, "weekly", timezone.now(), by="ann", member=member)[0].pk

    def _expected(self):
        about = {"detector": "spend", "dimension": "agent", "value": "triage", "taught_at": timezone.now()}
        return Expected.objects.create(workspace=self.workspace, taught_by="ann", **about).pk

    def _invitation(self):
        return Invitation.objects.create(
            workspace=self.workspace,
            email="new@new.example",
            role="viewer",
            digest=links.digest(self.workspace.name),
            expires_at="2999-01-01T00:00:00Z",
        )


def _address(route, rows):
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(rows.get(match[1], TEXT)), route)


def _parameters(route):
    return re.findall(r"<(?:\w+:)?(\w+)>", route)


def _methods(view):
    """The methods a view offers: named by `by_method`, or by a DRF class; else a page's two."""
    named = [method for method in METHODS if method.upper() in getattr(view, "by_method", {})]
    return named or [method for method in METHODS if hasattr(getattr(view, "cls", None), method)] or ["get", "post"]


def _ask(client, method, address, **extra):
    """The answer, with whatever it changed undone."""
    keys._cache.clear()
    with transaction.atomic():
        response = getattr(client, method)(address, **extra)
        transaction.set_rollback(True)
    return response


def _turned_away(response):
    to_login = response.status_code == 302 and response["Location"].startswith("/login")
    return to_login or response.status_code in (401, 403)


def _may(rule, caller):
    """What the rule says of a caller: None, "member:<role>" or "key:<scope>"."""
    kind, _, wanted = rule.partition(":")
    who, _, has = (caller or "nobody:").partition(":")
    if kind == "public":
        return True
    if kind == "member":
        return who == "member" and Role(has).includes(wanted)
    if who == "member":  # the browsable documentation: members read, admins also change
        return wanted == "read" or (wanted == "admin" and Role(has).includes("admin"))
    return who == "key" and has == wanted


CALLERS = [None, *(f"member:{role}" for role in ROLES), *(f"key:{scope}" for scope in keys.SCOPES)]


def _client(place, caller):
    client = Client(raise_request_exception=False)
    kind, _, which = (caller or "").partition(":")
    if kind == "member":
        client.force_login(place.members[which])
    if kind == "key":
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {place.keys[which]}"
    return client


def _passes(view, method, caller):
    """Whether this caller may use the method. A member's session opens DRF views only, not bare key views."""
    rule = rule_of(view, method.upper())
    part = getattr(view, "by_method", {}).get(method.upper(), view)
    if rule.startswith("key:") and (caller or "").startswith("member:") and not hasattr(part, "cls"):
        return False
    return _may(rule, caller)


@pytest.mark.parametrize("route", ROUTES)
def test_the_route_declares_who_may(route):
    known = ["public", *(f"member:{role}" for role in ROLES), *(f"key:{scope}" for scope in keys.SCOPES)]
    for method in _methods(ROUTES[route]):
        rule = rule_of(ROUTES[route], method.upper())
        assert rule in known, f"{method.upper()} /{route}: give its view a rule of costwatch/accounts/access.py"


@pytest.mark.thorough
@pytest.mark.parametrize("route", ROUTES)
def test_the_route_lets_in_whom_its_rule_names_and_nobody_else(db, route):
    view, place = ROUTES[route], Place("own")
    for caller in CALLERS:
        client = _client(place, caller)
        for method in _methods(view):
            response = _ask(client, method, _address(route, place.rows))
            said = f"{method.upper()} /{route} by {caller}: {response.status_code}"
            assert response.status_code != 500, said
            if response.status_code != 405 and rule_of(view, method.upper()) != "public":
                assert _turned_away(response) is not _passes(view, method, caller), said


@pytest.mark.thorough
@pytest.mark.parametrize("route", [route for route in ROUTES if set(_parameters(route)) & set(ROWS)])
def test_rows_of_another_workspace_do_not_exist_for_anybody(db, route):
    view, own, other = ROUTES[route], Place("own"), Place("other")
    for caller in CALLERS:
        for method in _methods(view):
            response = _ask(_client(own, caller), method, _address(route, other.rows))
            told = (404, 405) if _passes(view, method, caller) else (302, 401, 403, 405)
            said = f"{method.upper()} /{route} of another workspace by {caller}: {response.status_code}"
            assert response.status_code in told, said


def test_every_parameter_that_names_a_row_has_one_to_try(db):
    place = Place("own")
    for route in ROUTES:
        numbered = re.findall(r"<int:(\w+)>", route)
        missing = [name for name in numbered if name not in place.rows]
        assert not missing, f"/{route}: add a row for {missing} to Place in tests/test_access.py"


def test_the_product_has_more_than_the_account_pages():
    assert len(ROUTES) > 15
