"""The price book and the workspace's own prices: search, versions over time, agreeing, price lists."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.accounts.audit import client_ip
from costwatch.dashboards import price_book, price_files, unpriced
from costwatch.dashboards.csv import about, csv_answer, name_of
from costwatch.dashboards.price_book import PER, ROWS
from costwatch.lib.periods import local_day, zone
from costwatch.pricing import agree, listing, pricelist
from costwatch.pricing.agreements import TIERS, BadPrice, parse
from costwatch.pricing.models import PriceVersion, TrustedReporter
from costwatch.pricing.names import canonical_provider

LARGEST_LIST = 1_000_000  # bytes
FIELDS = ("provider", "model", "tier", "region", "valid_from", "valid_until", "source", "kind", "multiplier", "input",
          "cached_input", "cache_write", "output")  # fmt: skip
KINDS = {"prices": ("input", "cached_input", "cache_write", "output"), "discount": ("discount_percent",), "free": ()}


@member_page("viewer")
def book(request: MemberRequest) -> HttpResponse:
    """The prices in force, searched by words."""
    words, per = request.GET.get("q", ""), _per(request)
    rows = _in_force(request)
    start = _whole(request.GET.get("start", ""))
    found = list(rows[start : start + ROWS + 1])
    if not found and start:
        return redirect(f"{reverse('prices')}?{urlencode({'q': words, 'per': per})}")
    context = {
        "rows": [price_book.row(version, PER[per]) for version in found[:ROWS]],
        "words": words,
        "next": start + ROWS if len(found) > ROWS else None,
        "previous": max(0, start - ROWS) if start else None,
        "age": price_book.age(timezone.now()),
        "zone": request.workspace.time_zone,
        **_units(per),
    }
    return render(request, "pricing/book.html", context)


@member_page("viewer")
def book_csv(request: MemberRequest) -> HttpResponse:
    """All prices in force that the search finds, with everything they are made of."""
    rows = price_files.csv_rows(_in_force(request), PER[_per(request)])
    return csv_answer(rows, name_of(about("prices", request.GET.get("q", ""))))


@member_page("viewer")
def price_of(request: MemberRequest) -> HttpResponse:
    """One model: every tier and region, every version."""
    provider, model, lines = _of_model(request)
    context = {"provider": provider, "model": model, "lines": lines, "zone": request.workspace.time_zone,
               "now": timezone.now()}  # fmt: skip
    return render(request, "pricing/model.html", context | _units(_per(request)))


@member_page("viewer")
def price_of_csv(request: MemberRequest) -> HttpResponse:
    """The same versions, with everything they are made of."""
    _, model, lines = _of_model(request)
    versions = [row.version for line in lines for row in line.rows]
    return csv_answer(price_files.csv_rows(versions, PER[_per(request)]), name_of(about("prices-of", model)))


@member_page("viewer")
def agreed(request: MemberRequest) -> HttpResponse:
    """The workspace's own prices and, for admins, the forms that change them."""
    return _agreed_page(request, {name: request.GET.get(name, "") for name in FIELDS})


@member_page("viewer")
def agreed_csv(request: MemberRequest) -> HttpResponse:
    """The workspace's own prices as a price list: uploaded as it is, it changes nothing."""
    versions = list(agree.agreed(request.workspace)[: pricelist.MOST_LINES + 1])
    agreements = [agree.agreement_of(version) for version in versions[: pricelist.MOST_LINES]]
    more = len(versions) > pricelist.MOST_LINES
    return csv_answer(pricelist.written(agreements), name_of("agreed-prices", more=more, most=pricelist.MOST_LINES))


@member_page("admin")
@require_POST
def add(request: MemberRequest) -> HttpResponse:
    """Agree on a price, a discount or free of charge."""
    fields = {name: request.POST.get(name, "") for name in (*FIELDS, "discount_percent")}
    kind = fields["kind"] if fields["kind"] in KINDS else "prices"
    said = {
        name: fields[name] for name in ("provider", "model", "tier", "region", "valid_from", "valid_until", "source")
    }
    said |= {name: fields[name] for name in KINDS[kind]} | ({"free": "yes"} if kind == "free" else {})
    try:
        agreement = parse(said, zone(request.workspace.time_zone))
        agree.add(request.workspace, agreement, request.member, client_ip(request))
    except BadPrice as problem:
        return _agreed_page(request, fields, problem.message, 422)
    agree.spread()
    messages.success(
        request, f"{agreement.model}: {agreement.said}. Past calls keep their cost until they are repriced."
    )
    return redirect("agreed-prices")


@member_page("admin")
@require_POST
def end(request: MemberRequest) -> HttpResponse:
    """Let an agreement end now."""
    own = PriceVersion.objects.filter(line__workspace=request.workspace)
    version = own.filter(pk=_whole(request.POST.get("version", ""))).first()
    if version is None:
        raise Http404
    if agree.end(version, timezone.now(), request.member, client_ip(request)):
        agree.spread()
        messages.success(request, "The price has ended; the catalogue's holds again.")
    return redirect("agreed-prices")


@member_page("admin")
@require_POST
def trust(request: MemberRequest) -> HttpResponse:
    """Take a provider's own word on what calls cost, or no longer."""
    provider = canonical_provider(request.POST.get("provider", ""))[:80]
    if provider and provider.isprintable():
        agree.trust(request.workspace, provider, "trusted" in request.POST, request.member, client_ip(request))
        agree.spread()
    return redirect("agreed-prices")


@member_page("admin")
@require_POST
def upload(request: MemberRequest) -> HttpResponse:
    """A price list: first what it would change, then, confirmed, it holds."""
    file = request.FILES.get("file")
    if file is not None and (file.size or 0) > LARGEST_LIST:
        return _agreed_page(request, {}, "A price list must be smaller than 1 MB.", 422)
    text = file.read().decode("utf-8", "replace") if file is not None else request.POST.get("text", "")
    tz = zone(request.workspace.time_zone)
    agreements, problems = pricelist.read(text.replace("\0", "\N{REPLACEMENT CHARACTER}"), tz)
    if problems or "confirm" not in request.POST:
        rows = pricelist.compared(request.workspace, agreements)
        counts = {kind: sum(row.kind == kind for row in rows) for kind in ("new", "changed", "same")}
        name = file.name if file is not None else request.POST.get("name", "")
        context = {"rows": rows, "problems": problems, "text": text, "name": name, "counts": counts}
        return render(request, "pricing/list.html", context, status=422 if problems else 200)
    name = request.POST.get("name", "")[:200] or "price list"
    changed = agree.add_all(request.workspace, agreements, request.member, name, client_ip(request))
    agree.spread()
    messages.success(request, f"{changed} prices of {name} are in force. Past calls keep their cost until repriced.")
    return redirect("agreed-prices")


def _in_force(request: MemberRequest) -> QuerySet[PriceVersion]:
    """The prices of now that the search finds."""
    return listing.at(listing.prices(request.workspace, words=request.GET.get("q", "")), timezone.now())


def _of_model(request: MemberRequest) -> tuple[str, str, list[price_book.Line]]:
    """(provider, model, its prices) as the address says."""
    provider, model = request.GET.get("provider", ""), request.GET.get("model", "")
    known = model and "\0" not in provider + model
    per, now = PER[_per(request)], timezone.now()
    lines = price_book.lines(request.workspace, provider, model, per, now) if known else []
    if not lines:
        raise Http404("No price is stored for this model.")
    return provider, model, lines


def _agreed_page(request: MemberRequest, fields: dict[str, str], problem: str = "", status: int = 200) -> HttpResponse:
    versions = agree.agreed(request.workspace)
    context: dict[str, Any] = {
        "rows": [(price_book.row(version, PER["1M"]), _past(version, request)) for version in versions],
        "fields": fields,
        "problem": problem,
        "tiers": TIERS,
        "trusted": TrustedReporter.objects.filter(workspace=request.workspace).order_by("provider"),
        "now": timezone.now(),
        "zone": request.workspace.time_zone,
        "unpriced": unpriced.count(request.workspace.lane),
    }
    return render(request, "pricing/agreed.html", context, status=status)


def _past(version: PriceVersion, request: MemberRequest) -> str:
    """Where the past calls that a price is agreed for are brought to it; empty where it begins later, or for ever."""
    if version.valid_from is None or version.valid_from >= timezone.now():
        return ""
    first = local_day(version.valid_from, zone(request.workspace.time_zone))
    model = version.line.model if "*" not in version.line.model else ""
    return f"{reverse('reprice')}?{urlencode({'from': f'{first}', 'model': model, 'reason': version.source[:200]})}"


def _per(request: MemberRequest) -> str:
    per = request.GET.get("per", "1M")
    return per if per in PER else "1M"


def _units(per: str) -> dict[str, Any]:
    return {"per": per, "units": list(PER)}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
