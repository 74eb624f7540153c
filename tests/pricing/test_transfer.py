"""The catalogue out to a file and in again: the same, checked, and nothing alarming without a word."""

import http.server
import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch import commands
from costwatch.accounts.models import Workspace
from costwatch.cli import parser
from costwatch.lib import outbound
from costwatch.pricing import agree, book, catalogue, files, transfer
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import CatalogueRelease, PriceVersion
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version
from costwatch.pricing.tasks import fetch
from costwatch.trouble import Trouble

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
AGAIN = {"unit": "input", "price": "1", "per": 1}
MARS = {"name": "n", "zone": "Mars/Base", "windows": [], "weekdays": [], "holidays": []}
FIELDS = st.sampled_from(["versions", "components", "unit", "price", "per", "provider", "model", "from"]) | st.text()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
)
LAST_YEAR = NOW - timedelta(days=365)


def chat(usd_in="2", usd_out="8", *more):
    return (Component("input", Decimal(usd_in)), Component("output", Decimal(usd_out)), *more)


def small(**lines):
    """A catalogue: model → components."""
    return Catalogue({LineKey("acme", model): [Version(None, None, said)] for model, said in lines.items()}, [])


def as_file(found: Catalogue, release="r1") -> bytes:
    return transfer.write(found, release).encode()


@pytest.fixture
def stored(db):
    files.load(as_file(small(large=chat(), tiny=chat("0.1", "0.4"))), NOW)


@pytest.fixture
def rich():
    night = ScheduleSpec("night", "Asia/Shanghai", (("01:00", "04:00"),), (0, 1), frozenset({"2026-10-01"}))
    return Catalogue(
        {
            LineKey("acme", "large"): [
                Version(None, LAST_YEAR, chat("3", "9"), "https://acme.example/old"),
                Version(LAST_YEAR, None, chat("2", "8", Component("input", Decimal("4"), threshold=200_000),
                                              Component("web_search", Decimal("10"), 1000),
                                              Component("audio_second", Decimal("0.04"), 3600, 0, Decimal(10)))),
            ],
            LineKey("acme", "large", "eu", "batch"): [Version(None, None, chat("1", "4"))],
            LineKey("acme", "large", schedule="night"): [Version(None, None, chat("1", "4"))],
            LineKey("acme", "gift"): [Version(None, None, ())],
        },
        [Alias("acme", "large-latest", "large", LAST_YEAR)],
        {"night": night},
    )  # fmt: skip


def test_what_is_written_is_read_again(rich):
    release, found = transfer.read(as_file(rich))
    assert release == "r1"
    assert {
        key: [(v.start, v.end, set(v.components), v.source) for v in line] for key, line in found.lines.items()
    } == {key: [(v.start, v.end, set(v.components), v.source) for v in line] for key, line in rich.lines.items()}
    assert (found.aliases, found.schedules) == (rich.aliases, rich.schedules)


@pytest.mark.django_db
def test_an_export_imported_elsewhere_prices_the_same_and_changes_nothing_here(rich):
    files.load(as_file(rich), NOW)
    again = files.export().encode()
    report, difference = files.load(again, NOW)
    assert (report.added, report.withdrawn, report.closed) == (0, 0, 0)
    assert not difference.alarming and difference.summary.startswith("0 prices new, 0 changed")
    assert files.export().encode() == again


@pytest.mark.thorough
@pytest.mark.django_db
def test_the_installed_catalogue_survives_the_way_through_a_file():
    catalogue.sync()
    ids = set(PriceVersion.objects.filter(withdrawn_at=None).values_list("pk", flat=True))
    report, difference = files.load(files.export().encode(), NOW)
    assert (report.added, report.withdrawn, report.closed) == (0, 0, 0) and not difference.changed
    assert set(PriceVersion.objects.filter(withdrawn_at=None).values_list("pk", flat=True)) == ids
    assert not catalogue.sync().changed  # and the next start does not read the package over the file


def test_agreements_are_in_no_export(stored):
    workspace = Workspace.objects.create(name="Larkfield")
    agree.add(workspace, Agreement("acme", "secret-deal", chat("1", "1")), "x")
    assert "secret-deal" not in files.export()
    files.load(as_file(small(large=chat(), tiny=chat("0.1", "0.4"), new=chat())), NOW)
    assert agree.agreed(workspace).get().valid_until is None


def test_a_removal_is_refused_until_it_is_accepted_and_then_the_price_is_closed(stored):
    without = as_file(small(large=chat()))
    with pytest.raises(files.NotAccepted, match="acme tiny standard is gone"):
        files.load(without, NOW)
    assert PriceVersion.objects.filter(valid_until=None, withdrawn_at=None).count() == 2
    report, _ = files.load(without, NOW, accept=True)
    assert report.closed == 1
    assert PriceVersion.objects.get(line__model="tiny").valid_until == NOW


@pytest.mark.parametrize(
    ("usd", "refused"), [("6", False), ("6.01", True), ("0.67", False), ("0.66", True), ("0", True)]
)
def test_a_price_that_moves_more_than_three_times_is_refused(stored, usd, refused):
    moved = as_file(small(large=chat(usd), tiny=chat("0.1", "0.4")))
    if refused:
        with pytest.raises(files.NotAccepted, match="acme large standard input: 2"):
            files.load(moved, NOW)
        assert not CatalogueRelease.objects.filter(digest__startswith=" ").exists()
    files.load(moved, NOW, accept=refused)
    book.forget()
    assert PriceVersion.objects.filter(withdrawn_at=None, line__model="large").get().components.get(
        unit="input"
    ).price == Decimal(usd)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.update(format="x"), "does not begin with"),
        (lambda w: w.update(lines=[]), "it has no lines"),
        (lambda w: w.update(lines={}), "lines is no list"),
        (lambda w: w.update(release=""), "release must be text"),
        (lambda w: w["lines"].append(w["lines"][0]), "is there twice"),
        (lambda w: w["lines"][0].pop("versions"), "lacks a field"),
        (lambda w: w["lines"][0].update(versions=[]), "has no price"),
        (lambda w: w["lines"][0].update(tier="gold"), "'gold' is not known"),
        (lambda w: w["lines"][0].update(schedule="noon"), "schedule that is not in the file"),
        (lambda w: w["lines"][0].update(model="m\0"), "model must be text"),
        (lambda w: w["lines"][0]["versions"].append(w["lines"][0]["versions"][0]), "two prices at one time"),
        (lambda w: w["lines"][0]["versions"][0].update({"from": "2026-01-01"}), "from has no offset"),
        (lambda w: w["lines"][0]["versions"][0]["components"][0].update(price=2.5), "is no price"),
        (lambda w: w["lines"][0]["versions"][0]["components"][0].update(price="-1"), "is no price"),
        (lambda w: w["lines"][0]["versions"][0]["components"][0].update(per=0), "whole numbers"),
        (lambda w: w["lines"][0]["versions"][0]["components"][0].update(unit="a b"), "unit 'a b'"),
        (lambda w: w["lines"][0]["versions"][0]["components"].append(AGAIN), "priced twice"),
        (lambda w: w.update(schedules=[MARS]), "schedule n"),
        (lambda w: w.update(aliases=[{"provider": "a"}]), "name must be text"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_catalogue_is_refused_with_what_is_wrong(change, told):
    whole = json.loads(as_file(small(large=chat())))
    change(whole)
    with pytest.raises(ValueError, match=told):
        transfer.read(json.dumps(whole).encode())


@given(JSON)
def test_whatever_stands_in_a_file_it_is_read_or_refused(rows):
    whole = {"format": transfer.FORMAT, "release": "r", "lines": rows, "aliases": rows, "schedules": rows}
    try:
        transfer.read(json.dumps(whole).encode())
    except ValueError as refused:
        assert str(refused)


def run(*line):
    return commands.guarded(getattr(commands, f"prices_{line[0]}"), parser().parse_args(["prices", *line]))


def test_the_commands_write_read_and_refuse(stored, tmp_path, capsys):
    path = str(tmp_path / "prices.json")
    assert run("export", path) == 0
    assert run("import", path) == 0
    assert "0 prices new, 0 changed, 0 gone" in capsys.readouterr().out
    (tmp_path / "prices.json").write_bytes(as_file(small(large=chat())))
    with pytest.raises(Trouble, match="--accept"):
        run("import", path)
    assert run("import", path, "--accept") == 0
    capsys.readouterr()
    run("export")
    assert json.loads(capsys.readouterr().out)["format"] == transfer.FORMAT
    with pytest.raises(Trouble, match="cannot be read"):
        run("import", str(tmp_path / "nothing"))


@pytest.fixture
def served():
    """A web server that answers with `body`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        body, status = b"", 200

        def do_GET(self):
            self.send_response(self.status)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.url = f"http://127.0.0.1:{server.server_port}/prices.json"
    yield Handler
    server.shutdown()
    server.server_close()


def test_a_catalogue_is_fetched_from_the_operators_address_once(stored, served, settings):
    served.body = as_file(small(large=chat("2.2"), tiny=chat("0.1", "0.4")), "r2")
    settings.PRICES_URL, settings.WEBHOOK_ALLOW = served.url, ["127.0.0.1"]
    report, difference = files.fetch(NOW)
    assert (report.release, difference.changed) == ("r2", ["acme large standard"])
    assert files.fetch(NOW + timedelta(days=1)) is None
    assert CatalogueRelease.objects.latest("pk").imported_at == NOW + timedelta(days=1)


def test_without_an_address_nothing_is_fetched(stored):
    assert files.fetch(NOW) is None


def test_an_address_inside_is_not_called_unless_allowed(stored, served, settings):
    settings.PRICES_URL, settings.WEBHOOK_ALLOW = served.url, []
    with pytest.raises(outbound.Forbidden):
        files.fetch(NOW)


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), (b"", 404), (as_file(small(large=chat())), 200)])
def test_the_daily_fetch_changes_nothing_where_something_is_wrong_and_says_so(
    stored, served, settings, caplog, body, status
):
    served.body, served.status = body, status
    settings.PRICES_URL, settings.WEBHOOK_ALLOW = served.url, ["127.0.0.1"]
    before = files.export()
    fetch()
    assert files.export() == before and "prices were not fetched" in caplog.text
