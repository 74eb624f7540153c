"""The evidence of an anomaly's incident: figures, what was spent against what is usual, and who made the difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.alerts.models import Incident
from costwatch.anomalies.detectors import ALL
from costwatch.dashboards import display
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.state import title

SHOWN = 12
DAYS = "%Y-%m-%d"
HOURS = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Row:
    """Who made the difference: one value of another dimension."""

    what: str
    name: str
    url: str
    spent: Decimal
    usual: Decimal


@dataclass(frozen=True)
class Evidence:
    """`figures`: (title, value, note, is bad). `expected`: what the button that teaches says."""

    figures: list[tuple[str, str, str, bool]]
    chart: dict[str, Any] | None
    sentence: str
    rows: list[Row]
    also: str
    about: str
    expected: str


def evidence(incident: Incident, zone: ZoneInfo) -> Evidence | None:
    """What the page of an incident shows of it; None where no anomaly detector has opened it."""
    facts = incident.facts
    detector = ALL.get(str(facts.get("detector")))
    if detector is None:
        return None
    return Evidence(
        figures=FIGURES[detector.NAME](facts),
        chart=chart(facts, zone) if facts.get("series") else None,
        sentence=incident.message,
        rows=[_row(driver) for driver in facts.get("drivers", [])[:SHOWN]],
        also=", ".join(facts.get("also", [])),
        about=f"{detector.TITLE}: {detector.ABOUT}",
        expected=_expected(facts),
    )


def subject(dimension: str, value: str) -> tuple[str, str, str]:
    """(what, name, address) of whom it is about; a catalogue has no page of its own."""
    if dimension == "catalogue":
        return "Catalogue", value, ""
    return title(dimension), display.name(value), profile_url(dimension, value)


def chart(facts: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Bars of what was spent, red where it was unusual; the usual as a dotted line."""
    starts = [datetime.fromisoformat(row[0]).astimezone(zone) for row in facts["series"]]
    spent = [Decimal(row[1]) for row in facts["series"]]
    usual = [Decimal(row[2]) if row[2] else None for row in facts["series"]]
    is_hourly = facts.get("bucket") == "hour" or len(starts) > 40
    at = [start.strftime(HOURS if is_hourly else DAYS) for start in starts]
    since, until = (datetime.fromisoformat(facts[name]) for name in ("from", "to"))
    colours = ["--bad" if since <= start < until else "--s1" for start in starts]
    largest = max([*spent, *(amount for amount in usual if amount)], default=Decimal(0))
    decimals = ",.2f" if largest < 5 else ","
    hover = "%a %-d %b %H:%M" if is_hourly else "%a %-d %b"
    return {
        "data": [
            {"type": "bar", "name": "spent", "x": at, "y": [float(amount) for amount in spent],
             "marker": {"color": colours}, "hovertemplate": "spent $%{y:,.2f}<extra></extra>"},
            {"type": "scatter", "mode": "lines", "name": "usual", "x": at,
             "y": [None if amount is None else float(amount) for amount in usual],
             "line": {"color": "--ink", "width": 1.5, "dash": "dot", "shape": "hvh"},
             "hovertemplate": "usual $%{y:,.2f}<extra></extra>"},
        ],
        "layout": {
            "yaxis": {"range": [0, float(largest) * 1.08 or 1.0], "tickformat": decimals},
            "xaxis": {"type": "date", "nticks": 7, "hoverformat": hover,
                      "tickformat": "%H:%M<br>%-d %b" if is_hourly else "%-d %b"},
            "margin": {"b": 40 if is_hourly else 24},
        },
        "narrow": {"xaxis": {"nticks": 4}},
    }  # fmt: skip


def _row(driver: Mapping[str, str]) -> Row:
    dimension, value = driver["dimension"], driver["value"]
    return Row(title(dimension), display.name(value), profile_url(dimension, value),
               Decimal(driver["actual_usd"]), Decimal(driver["expected_usd"]))  # fmt: skip


def _expected(facts: Mapping[str, Any]) -> str:
    """What is remembered, in the words of the button."""
    name = display.name(facts["value"])
    name = name if len(name) <= 40 else f"{name[:39]}…"
    if facts["detector"] == "spend":
        upto = display.money(Decimal(facts["level"]) * Decimal("1.25"))
        return f"{name} may spend up to {upto} {'a day' if facts['bucket'] == 'day' else 'at these hours'}"
    words = {
        "newcomer": "{} is known", "step": "{} may cost this much", "escalation": "So many sessions may reach {}",
        "unpriced": "{} needs no price", "catalogue": "These prices will do", "silence": "{} may be silent",
        "errors": "So many calls of {} may fail",
    }  # fmt: skip
    return words[facts["detector"]].format(name)


def _usd(facts: Mapping[str, Any], name: str) -> str:
    return display.money(Decimal(facts[name])) if facts.get(name) else display.NOTHING


def _share(facts: Mapping[str, Any], name: str) -> str:
    return display.percent(Decimal(facts[name]))


def _spend(facts: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    count = facts.get("buckets", 1)
    span = f"{count} unusual {facts['bucket']}{'s' if count != 1 else ''}"
    within = f"in th{'at' if count == 1 else 'ose'} {facts['bucket']}{'s' if count != 1 else ''}"
    return [
        ("Beyond the usual", _usd(facts, "impact_usd"), span, True),
        ("Spent", _usd(facts, "actual_usd"), within, False),
        ("Usual", _usd(facts, "expected_usd"), "median of the same hours" if facts["bucket"] == "hour"
         else "median of the same weekdays", False),
    ]  # fmt: skip


def _step(facts: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    each = facts["each"]
    return [
        ("Spent more so far", _usd(facts, "impact_usd"), f"in {display.count(facts['runs'])} {each}s", True),
        (f"A {each} now", display.unit_cost(Decimal(facts["actual_usd"])), facts["release"], False),
        ("Before", display.unit_cost(Decimal(facts["expected_usd"])), facts["release_before"], False),
    ]


def _escalation(facts: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    now = f"{display.count(facts['reached'])} of {display.count(facts['sessions'])} sessions of the week"
    between = f"{_share(facts, 'share_low')} to {_share(facts, 'share_high')}"
    return [
        ("Beyond the usual", _usd(facts, "impact_usd"), "a week", True),
        ("Reached by", _share(facts, "share"), f"{now}; {between}", False),
        ("Usual", _share(facts, "usual_share"), "of the four weeks before", False),
    ]


def _errors(facts: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    return [
        ("Failed", _share(facts, "share"), f"{display.count(facts['errors'])} of {display.count(facts['calls'])} calls",
         True),
        ("Usual", _share(facts, "usual_share"), "of the two weeks before", False),
        ("Billed for failures", _usd(facts, "error_cost_usd"), "since it began", False),
    ]  # fmt: skip


FIGURES: dict[str, Any] = {
    "spend": _spend,
    "step": _step,
    "escalation": _escalation,
    "errors": _errors,
    "newcomer": lambda facts: [("Spent", _usd(facts, "actual_usd"), "since it was first seen", True)],
    "unpriced": lambda facts: [
        ("Without a price", display.count(facts["unpriced_calls"]), "calls within a day", True),
        ("At most", _usd(facts, "upper_bound_usd"), "at the dearest price of the provider", False),
    ],
    "catalogue": lambda facts: [("Age", f"{facts['days']} d", facts["catalogue"], True)],
    "silence": lambda facts: [
        ("Silent for", f"{facts['silent_hours']} h", "no call at all", True),
        ("Usual", display.count(facts["usual_calls"]), "calls in the same hours", False),
    ],
}
