"""The price pages: days in the workspace's zone, pages of a long book, tiers and regions, what admins can end."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from costwatch.accounts.models import AuditEntry, Role, Workspace
from costwatch.dashboards.price_book import ROWS
from costwatch.ledger import orders
from costwatch.ledger.fold import fold_all
from costwatch.pricing import agree, book, catalogue
from costwatch.pricing.models import CatalogueRelease, PriceVersion, RepriceOrder, TrustedReporter
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, rows, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]
CHANGE = datetime(2026, 10, 1, tzinfo=UTC)
HOSTILE = "<b>&'\""


def chat(usd_in, usd_out, *more):
    return (Component("input", Decimal(usd_in)), Component("output", Decimal(usd_out)), *more)


@pytest.fixture(autouse=True)
def prices(db, monkeypatch):
    monkeypatch.setattr(book, "LOOK_EVERY", 0.001)
    lines = {
        LineKey("acme", "large"): [
            Version(None, CHANGE, chat(5, 20)),
            Version(CHANGE, None, chat(4, 16)),
        ],
        LineKey("acme", "large", "", "batch"): [Version(None, None, chat(2, 8))],
        LineKey("acme", "large", "eu"): [Version(None, None, chat("4.4", "17.6"))],
        **{LineKey("globex", f"m-{n:03}"): [Version(None, None, chat(1, n + 1))] for n in range(130)},
    }
    catalogue.store(Catalogue(lines, []), "prices 1", "1", timezone.now())
    book.forget()
    yield
    book.forget()


def body(client, address: str, status=200, **params) -> str:
    answer = client.get(address, params)
    assert answer.status_code == status
    return answer.content.decode()


def add(client, status=302, **fields):
    wanted = {"provider": "acme", "model": "large", "kind": "prices", "input": "3", "output": "12", **fields}
    answer = client.post("/prices/agreed/add", wanted)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"])
def test_a_day_that_was_agreed_on_is_that_day_on_every_page(admin, workspace, send, zone):
    workspace.time_zone = zone
    workspace.save()
    add(admin, valid_from="2026-11-10", valid_until="2026-11-20")
    (own,) = [cells for cells in rows(body(admin, "/prices", q="large")) if cells[0].startswith("large agreed")]
    assert own[-1] == "10 Nov 2026"
    page = body(admin, "/prices/model", provider="acme", model="large")
    assert any(cells[:2] == ["Tue 10 Nov 2026 00:00:00", "Fri 20 Nov 2026 00:00:00"] for cells in rows(page))
    assert "Tue 10 Nov 2026 00:00:00" in body(admin, "/prices/agreed")
    tried = admin.post("/prices/try", {"provider": "acme", "model": "large", "usage": '{"input_tokens": 1000000}',
                                       "timestamp": "2026-11-15T12:00:00Z"})  # fmt: skip
    assert "from 10 Nov 2026 until 20 Nov 2026" in text(tried.content.decode())
    made = entry("own", minutes=-3 * 24 * 60, model="large", provider="acme", input_tokens=1000)
    price = book.current().for_workspace(workspace.lane).price(made)
    made.cost, made.cost_source, made.price_version = price.cost, price.source, price.price_version
    send(made)
    assert "Valid from 2026-11-10 until 2026-11-20" in text(body(admin, "/calls/own"))


def test_a_long_book_comes_in_pages_each_price_once(client):
    seen, address = [], "/prices?q=globex"
    while address:
        html = body(client, address)
        found = [cells[0].removesuffix("standard") for cells in rows(html)[1:]]
        assert len(found) <= ROWS
        seen += found
        address = next((f"/prices{link}" for link in re.findall(r'href="(\?[^"]*)">Next', html)), None)
        address = address and address.replace("&amp;", "&")
    assert sorted(seen) == [f"m-{n:03}" for n in range(130)]
    assert len(seen) == 130


@pytest.mark.parametrize("start", ["-1", "x", "9" * 30, "²"])
def test_a_page_that_is_none_is_the_first(client, start):
    assert rows(body(client, "/prices", q="large", start=start)) == rows(body(client, "/prices", q="large"))


def test_words_may_stand_in_model_or_provider_in_any_order_and_case(client):
    assert "m-007" in body(client, "/prices", q="M-007 Globex")
    assert "No price is known" in body(client, "/prices", q="m-007 acme")
    html = body(client, "/prices", q=HOSTILE)
    assert HOSTILE not in html
    assert "Set one" in html


def test_each_tier_and_region_of_a_model_has_its_own_versions(client):
    html = body(client, "/prices/model", provider="acme", model="large")
    said = text(html)
    assert "Standard 2 versions" in said
    assert "Batch 1 version" in said
    assert "Standard · eu 1 version" in said
    told = [cells for cells in rows(html) if cells[0].startswith(("ever", "Thu 1 Oct"))]
    assert sorted(cells[2:5:2] for cells in told) == [
        ["$2.00", "$8.00"], ["$4.00", "$16.00"], ["$4.40", "$17.60"], ["$5.00", "$20.00"],
    ]  # fmt: skip


@pytest.mark.parametrize(("per", "price"), [("1M", "$4.00"), ("1K", "$0.004"), ("token", "$0.000004")])
def test_the_unit_goes_along_to_the_page_of_a_model(client, per, price):
    address = next(link for link in links(body(client, "/prices", q="large", per=per)) if "/prices/model" in link)
    assert address.endswith(f"per={per}")
    assert price in body(client, address)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": ""}, "model must not be blank"),
        ({"input": "", "output": ""}, "Say one of three: prices"),
        ({"input": "-1"}, "input must be an amount in USD from 0 to 1,000,000."),
        ({"valid_from": "tomorrow"}, "is no date"),
        ({"valid_from": "2026-11-10", "valid_until": "2026-11-01"}, "valid_until must be later"),
        ({"tier": "gold"}, "tier must be one of standard, batch, flex"),
        ({"kind": "discount", "discount_percent": "120"}, "must be from 0 to 100."),
        ({"kind": "discount", "discount_percent": ""}, "Say one of three"),
        ({"output": "1e400"}, "output must be an amount in USD"),
        ({"model": "a\0b"}, "at most 200 printable characters"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused_and_what_was_typed_stays(admin, workspace, fields, said):
    html = add(admin, 422, source="Contract 9", **fields)
    assert 'role="alert"' in html and said in text(html)
    assert 'value="Contract 9"' in html
    assert not agree.agreed(workspace).exists()
    assert not AuditEntry.objects.exists()


def test_a_price_ends_once_and_only_where_it_belongs(admin, workspace, stranger):
    add(admin)
    version = agree.agreed(workspace).get()
    elsewhere = Workspace.objects.exclude(pk=workspace.pk).get()
    other = logged_in(elsewhere, "boss@else.example", Role.OWNER)
    for number in (version.pk, "x", "", "9" * 30):
        assert other.post("/prices/agreed/end", {"version": number}).status_code == 404
    listed = PriceVersion.objects.filter(line__workspace=None).first()
    assert admin.post("/prices/agreed/end", {"version": listed.pk}).status_code == 404, "the catalogue's do not end"
    for _ in range(2):
        assert admin.post("/prices/agreed/end", {"version": version.pk}).status_code == 302
    assert AuditEntry.objects.filter(action="price.ended").count() == 1


def test_agreed_prices_of_others_are_on_no_page(admin, stranger):
    add(admin, input="0.0123", source="secret contract")
    for address in ("/prices?q=large", "/prices/model?provider=acme&model=large", "/prices/agreed"):
        html = body(stranger, address)
        assert "0.0123" not in html and "secret contract" not in html and 'quiet">agreed' not in html


@pytest.mark.parametrize("provider", ["", " ", "\x07", "\0"])
def test_nobody_is_trusted_by_a_name_that_is_none(admin, provider):
    assert admin.post("/prices/agreed/trust", {"provider": provider, "trusted": "1"}).status_code == 302
    assert not TrustedReporter.objects.exists()


def test_a_hostile_provider_stays_text(admin):
    admin.post("/prices/agreed/trust", {"provider": HOSTILE, "trusted": "1"})
    html = body(admin, "/prices/agreed")
    assert HOSTILE not in html
    assert TrustedReporter.objects.count() == 1


@pytest.fixture
def past(send):
    """Calls of two models that were priced at half of what the book says, over four days."""
    usage = {"cost": "2", "input_tokens": 1_000_000, "output_tokens": 0, "cached_input_tokens": 0}
    send(*(entry(f"{model}.{n}", minutes=-n * 24 * 60 - 5, model=model, provider=provider, **usage)
           for model, provider in (("large", "acme"), ("m-001", "globex")) for n in range(4)))  # fmt: skip
    fold_all()


def reprice(admin, **fields) -> tuple[str, RepriceOrder]:
    wanted = {"from": "2026-11-01", "to": "2026-12-01", "reason": "a wrong list", "model": "", **fields}
    address = admin.post("/prices/reprice/place", wanted)["Location"]
    orders.work(10)
    return address, RepriceOrder.objects.latest("pk")


@pytest.mark.parametrize(
    ("fields", "calls", "change"),
    [
        ({"model": "large"}, 4, "+$8.00"),  # 4 instead of 2 dollars each
        ({"model": "m-001"}, 4, "−$4.00"),  # 1 instead of 2
        ({"model": "large, m-001"}, 8, "+$4.00"),
        ({"model": ""}, 8, "+$4.00"),
        ({"from": "2026-11-17", "to": "2026-11-18", "model": "large"}, 1, "+$2.00"),
        ({"from": "2026-11-17T13:26:00Z", "model": "large"}, 2, "+$4.00"),
    ],
)
def test_an_order_counts_the_calls_of_its_models_and_days(admin, past, fields, calls, change):
    address, _ = reprice(admin, **fields)
    said = text(body(admin, address))
    assert f"Reprice {calls} call" in said
    assert change in said
    admin.post(f"{address}/confirm")
    orders.work(10)
    fold_all()
    assert "Applied" in text(body(admin, address))
    again, _ = reprice(admin, **fields)
    assert "there is nothing to change" in text(body(admin, again)), "a second time all is as it should be"


def test_an_order_is_confirmed_once_and_by_admins(admin, client, past):
    address, order = reprice(admin, model="large")
    assert client.post(f"{address}/confirm").status_code == 403
    admin.post(f"{address}/confirm")
    said = admin.post(f"{address}/confirm", follow=True).content.decode()
    assert "This was confirmed before, or is not counted yet." in text(said)
    order.refresh_from_db()
    assert order.state == "applying"


def test_orders_stand_on_the_page_newest_first_with_their_reason(admin, client, past, stranger):
    reprice(admin, reason=f"first {HOSTILE}")
    reprice(admin, reason="second")
    html = body(client, "/prices/reprice")
    assert text(html).index("second") < text(html).index("first")
    assert HOSTILE not in html
    assert "second" not in body(stranger, "/prices/reprice")


def test_the_catalogue_s_age_is_told_in_days(client):
    for days, words in ((0, "read today"), (1, "read 1 day ago"), (30, "read 30 days ago")):
        CatalogueRelease.objects.update(imported_at=NOW - timedelta(days=days))
        assert words in text(body(client, "/prices"))
