"""Times that programs send: any offset, and no time that some page could not show afterwards."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.test import Client

from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.alerts import incidents
from costwatch.alerts.models import Channel, Incident, Stop
from costwatch.pricing.models import PriceVersion
from tests.api.conftest import caller
from tests.api.test_incidents import NOW, REPORT

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
AHEAD = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
OFFSETS = [timedelta(hours=-23, minutes=-59), timedelta(hours=-16), timedelta(hours=5, minutes=45), timedelta(0),
           timedelta(hours=14), timedelta(hours=16), timedelta(hours=23, minutes=59)]  # fmt: skip
BEYOND = [
    "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59-23:59", "2200-01-01T00:00:00Z",
    "2199-12-31T23:59:59-01:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z",
]  # fmt: skip
NO_TIMES = ["", "soon", "2027", "2027-01-01", "2027-13-01T00:00:00Z", "2027-01-01T00:00:00", 5, True, [], {}, "\0",
            "2027-01-01T00:00:00+99:00", "2027-01-01T00:00:00Z; DROP"]  # fmt: skip
PRICE = {"provider": "openai", "model": "x", "prices": {"input": "1"}}


@pytest.fixture
def admin(workspace):
    return caller(workspace, "admin", "read")


@pytest.fixture
def pages(workspace):
    """GET a page as owner, in a zone far from UTC."""

    def get(path, zone):
        Workspace.objects.filter(pk=workspace.pk).update(time_zone=zone)
        owner, _ = Member.objects.get_or_create(workspace=workspace, email="o@l.example", role="owner", password="!")
        browser = Client(raise_request_exception=False)
        browser.force_login(owner)
        return browser.get(path).status_code

    return get


def post(client, path, **body):
    return client.post(f"/api/v1/{path}", json.dumps(body), "application/json")


def written(offset: timedelta) -> str:
    return AHEAD.astimezone(timezone(offset)).isoformat()


@pytest.mark.parametrize("offset", OFFSETS)
def test_the_same_moment_is_the_same_in_every_offset(workspace, admin, offset):
    at = written(offset)
    assert post(admin, "keys", name="k", scopes=["read"], expires_at=at).status_code == 201
    assert ApiKey.objects.get(name="k").expires_at == AHEAD
    made = post(admin, "stops", scope={"agent": "x"}, message="Enough.", until=at)
    assert (made.status_code, made.json()["until"]) == (201, AHEAD.isoformat().replace("+00:00", "Z"))
    assert Stop.objects.get().until == AHEAD
    number = incidents.open_or_update(workspace.pk, REPORT, NOW)
    assert post(admin, f"incidents/{number}/snooze", until=at).status_code == 200
    assert Incident.objects.get().snoozed_until == AHEAD
    assert post(admin, "prices", **PRICE, valid_from=at).status_code == 201
    assert PriceVersion.objects.get(line__workspace=workspace).valid_from == AHEAD


@pytest.mark.parametrize("at", BEYOND)
def test_a_key_expires_in_a_time_that_every_zone_has(admin, pages, at):
    answer = post(admin, "keys", name="k", scopes=["read"], expires_at=at)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "expires_at")
    assert not ApiKey.objects.filter(name="k").exists()


@pytest.mark.parametrize("at", BEYOND)
@pytest.mark.parametrize("field", ["valid_from", "valid_until"])
def test_a_price_holds_within_a_time_that_every_zone_has(admin, workspace, field, at):
    answer = post(admin, "prices", **PRICE, **{field: at})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not PriceVersion.objects.filter(line__workspace=workspace).exists()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_the_first_and_the_last_times_are_shown_in_every_zone(admin, pages, zone):
    assert post(admin, "keys", name="k", scopes=["read"], expires_at="2199-12-31T23:59:59Z").status_code == 201
    limits = {"valid_from": "1970-01-01T00:00:00Z", "valid_until": "2199-12-31T23:59:59Z"}
    assert post(admin, "prices", **PRICE, **limits).status_code == 201
    for path in ("/settings/keys", "/prices/agreed", "/prices?origin=override", "/settings/audit"):
        assert pages(path, zone) == 200, path
    assert admin.get("/api/v1/keys").status_code == admin.get("/api/v1/prices", {"at": "all"}).status_code == 200


@pytest.mark.parametrize("at", NO_TIMES)
def test_what_is_no_time_with_its_offset_is_refused_by_its_field(workspace, admin, at):
    number = incidents.open_or_update(workspace.pk, REPORT, NOW)
    for path, field, status, body in [
        ("keys", "expires_at", 422, {"name": "k", "scopes": ["read"]}),
        ("stops", "until", 400, {"scope": {"agent": "x"}, "message": "m"}),
        (f"incidents/{number}/snooze", "until", 400, {}),
    ]:
        answer = post(admin, path, **body, **{field: at})
        assert (answer.status_code, answer.json()["error"]["field"]) == (status, field), path
    assert not Stop.objects.filter(reason="kill").exists() and not ApiKey.objects.filter(name="k").exists()


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Berlin", "europe/berlin", "+02:00", "../UTC", 5, ["UTC"]])
def test_a_channel_has_a_zone_that_its_messages_can_be_written_in(admin, zone):
    answer = post(admin, "channels", kind="email", name="c", to=["a@b.example"], time_zone=zone)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "time_zone")
    assert not Channel.objects.exists()
