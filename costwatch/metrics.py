"""What /metrics tells Prometheus. Labels come from fixed lists only: no agent, user or key ever becomes one."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

from costwatch import edge, env, tasks, ticks
from costwatch.alerts import delivering

REQUESTS: Final = Counter("costwatch_requests_total", "Requests answered.", ["route", "method", "status"])
SECONDS: Final = Histogram(
    "costwatch_request_seconds", "Time to an answer.", ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
EVENTS: Final = Counter("costwatch_events_total", "Usage events received, by what became of them.", ["outcome"])
CSP_REPORTS: Final = Counter("costwatch_csp_reports_total", "What browsers refused, by what became of it.", ["outcome"])
REFUSED: Final = Counter(
    "costwatch_refused_at_the_door_total", "Requests that did not reach the application, by why.", ["reason"]
)
for outcome in ("logged", "limited", "extension", "unreadable"):
    CSP_REPORTS.labels(outcome)  # there from the start: an alert on its increase needs a value before the first
for outcome in ("accepted", "duplicate", "rejected", "request_refused"):
    EVENTS.labels(outcome)
for refusal in (edge.BUSY, edge.SLOW, edge.BROKEN):
    REFUSED.labels(refusal.code)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
View = Callable[[HttpRequest], HttpResponseBase]


def count_requests(get_response: View) -> View:
    """Middleware: every answer, by the pattern of its address (never the address itself)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        route = request.resolver_match.route if request.resolver_match else "(none)"
        method = request.method if request.method in METHODS else "OTHER"
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        SECONDS.labels(route).observe(time.perf_counter() - began)
        return response

    return middleware


def count_refusal(code: str) -> None:
    """For the edge: a request that it refused itself, which no middleware sees."""
    REFUSED.labels(code).inc()


class Installation:
    """What the database says of the whole installation, asked at each scrape."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("costwatch_database_up", "1 while the database answers.")
        try:
            unfolded, behind, age, found = _unfolded(), tasks.behind(), ticks.newest_age(), delivering.look()
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield GaugeMetricFamily("costwatch_unfolded_batches", "Committed batches not in the rollups yet.", unfolded)
        yield GaugeMetricFamily("costwatch_behind_seconds", "Since the oldest batch not judged was received.", behind)
        yield from _of_deliveries(found)
        if age is not None:
            yield GaugeMetricFamily("costwatch_scheduler_age_seconds", "Since a periodic task last ended well.", age)


def _of_deliveries(found: delivering.Delivering) -> Iterator[Metric]:
    channels = GaugeMetricFamily("costwatch_channels", "Channels by how they do.", labels=["state"])
    for state, count in (("working", found.working), ("failing", len(found.failing)), ("off", len(found.disabled))):
        channels.add_metric([state], count)
    yield channels
    day = GaugeMetricFamily(
        "costwatch_deliveries_day", "Messages of the last 24 hours by what became of them.", labels=["kind", "state"]
    )
    for (kind, state), count in found.day.items():
        day.add_metric([kind, state], count)
    yield day
    yield GaugeMetricFamily("costwatch_deliveries_waiting", "Messages on their way.", found.waiting)
    yield GaugeMetricFamily("costwatch_delivery_oldest_seconds", "Since the oldest of them was made.", found.waits)


def exposition() -> bytes:
    """All metrics in Prometheus' text format: the sums over all processes where there are several."""
    registry = REGISTRY
    if env.text("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    own = CollectorRegistry()
    own.register(Installation())  # type: ignore[arg-type]
    return generate_latest(registry) + generate_latest(own)


def _unfolded() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ingest_batch")
        return int(cursor.fetchone()[0])
