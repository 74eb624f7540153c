"""The page Try it: a model and a usage object, priced by the same function as `POST /api/v1/quote`."""

from decimal import Decimal
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.spend.shown import TOKENS
from ingest.quote import NotPriceable, quote
from ingest.refused import Refused

FIELDS = ("model", "provider", "usage", "timestamp", "service_tier", "region")


@member_page("viewer")
def try_it(request: MemberRequest) -> HttpResponse:
    """The form and, where something was pasted, what it costs; for htmx the answer alone."""
    fields = {name: request.POST.get(name, "").strip() for name in FIELDS}
    context: dict[str, Any] = {"fields": fields}
    if request.method == "POST":
        context |= _answer(request, fields)
    name = "pricing/try_answer.html" if _is_fragment(request) else "pricing/try.html"
    return render(request, name, context, status=422 if "problem" in context and not _is_fragment(request) else 200)


def _is_fragment(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _answer(request: MemberRequest, fields: dict[str, str]) -> dict[str, Any]:
    event: dict[str, Any] = {name: value for name, value in fields.items() if value and name != "usage"}
    try:
        usage = msgspec.json.decode(fields["usage"]) if fields["usage"] else {}
        counts = {*TOKENS, "units", "batch", "requests"} & set(usage) if isinstance(usage, dict) else set()
        # the counts of an event, not a provider's object: details and other names only those have
        event |= usage if counts and set(usage) <= {*TOKENS, "units", "batch", "requests"} else {"usage": usage}
        told = quote(request.workspace.lane, msgspec.json.encode(event), timezone.now())
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return {"problem": "The usage is no JSON: paste the whole object, with its braces."}
    except (NotPriceable, Refused) as problem:
        return {"problem": problem.message}
    cost, listed = _usd(told["cost_usd"]), _usd(told["list_cost_usd"])
    return {
        "answer": told,
        "cost": cost,
        "listed": listed,
        "discounted": listed is not None and listed != cost,
        "at_most": _usd(told["upper_bound_usd"]),
        "parts": [_part(part) for part in told["cost_parts"]],
        "counts": [(name.replace("_", " "), told[name]) for name in TOKENS if told[name] is not None],
    }


def _part(part: dict[str, Any]) -> dict[str, Any]:
    return {
        "component": part["component"].replace("_", " "),
        "tokens": part["tokens"],
        "price": Decimal(part["unit_price_usd"]),
        "per": part["per"],
        "cost": Decimal(part["cost_usd"]),
    }


def _usd(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
