"""Every number on the page equals the one in the API and the one in the files."""

import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
from django.test import Client

from costwatch.dashboards.explore.metrics import METRICS
from costwatch.ledger.fold import fold_all
from costwatch.spend.sums import FIELDS, Sums
from tests.api.conftest import caller
from tests.dashboards.page import as_read, links, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]
API = {"cost": "cost_usd", "error_cost": "error_cost_usd", "unknown_calls": "usage_unknown_calls",
       "upper_bound": "unpriced_upper_bound_usd"}  # fmt: skip


@pytest.fixture
def usage(send) -> None:
    """Fifteen customers, four agents, unpriced and failed calls, some not folded yet."""
    made = [
        entry(
            cost=None if n % 17 == 0 else f"{(n * 7919) % 1000}.{n:012}"[:16],
            upper_bound=Decimal("0.5") if n % 17 == 0 else Decimal(0),
            agent_id=(None, "triage", "coder", "reasoning")[n % 4],
            tags={"customer": f"c-{n % 15}"} if n % 11 else None,
            user_id=f"u-{n % 13}",
            run_id=f"r-{n % 50}",
            error=n % 9 == 0,
            requests=1 + n % 3,
            minutes=-(n * 131),
            input_tokens=n * 1000,
            cached_input_tokens=n * 300,
            output_tokens=n * 17,
            reasoning_tokens=n * 5,
        )
        for n in range(1, 180)
    ]
    send(*made[:120])
    fold_all()
    send(*made[120:])


def sums(answer: dict) -> Sums:
    """What the API said, as sums."""
    return Sums(*(_value(answer, name) for name in FIELDS))


def _value(answer: dict, name: str):
    told = answer[API.get(name, name)]
    return Decimal(told) if isinstance(told, str) else told


def page_and_api(client: Client, workspace, query: str) -> tuple[str, dict[tuple, Sums], Sums]:
    """The page, and what the API answers to the command that the page offers for copying."""
    html = client.get(f"/explore?{query}").content.decode()
    command = text(html[html.index("<pre") : html.index("</pre>")])
    address = urlsplit(command.split('"')[3])
    asked = address.query.replace("&bucket=", "&unused=")  # sums of the whole span, not of each bucket
    answer = caller(workspace, "read").get(f"{address.path}?{asked}&limit=10000").json()
    names = [
        name for name in answer["groups"][0] if name in ("agent", "user", "run", "model") or name.startswith("tag.")
    ]
    groups = {tuple(group[name] for name in names): sums(group) for group in answer["groups"]}
    return html, groups, sums(answer["total"])


def main_table(html: str) -> list[list[str]]:
    return rows(html[html.index('id="h-table"') :])


@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"cost_per_session"}))  # the API counts no sessions
@pytest.mark.parametrize("by", ["agent", "tag.customer", "user"])
def test_the_rows_of_one_dimension(client, workspace, usage, metric, by):
    query = f"metric={metric}&by={by}&period=30d&rows=all"
    html, groups, total = page_and_api(client, workspace, query)
    shown = {cells[0]: cells[1] for cells in main_table(html)[1:]}
    measure = METRICS[metric]
    assert shown.pop("Total") == as_read(measure.shown(total))
    assert shown == {(value or "Not attributed"): as_read(measure.shown(found)) for (value,), found in groups.items()}
    check_files(
        client, query, {(value or "Not attributed"): found for (value,), found in groups.items()}, total, metric
    )


def check_files(client: Client, query: str, groups: dict[str, Sums], total: Sums, metric: str) -> None:
    """All digits of every row in every format."""
    measure = METRICS[metric]
    expected = {**{name: measure.exported(found) for name, found in groups.items()}, "Total": measure.exported(total)}
    first = query.split("by=")[1].split("&")[0]
    read = list(csv.DictReader(StringIO(client.get(f"/explore.csv?{query}").content.decode(), newline="")))
    assert {line[first]: Decimal(line[measure.column]) if line[measure.column] else None for line in read} == expected
    lines = [json.loads(line) for line in client.get(f"/explore.ndjson?{query}").content.splitlines()]
    told = {line[first]: line[measure.column] for line in lines}
    assert {name: None if value is None else Decimal(value) for name, value in told.items()} == expected
    parquet = pq.read_table(BytesIO(client.get(f"/explore.parquet?{query}").content)).to_pylist()
    assert {line[first]: line[measure.column] for line in parquet} == expected
    assert [line["row"] for line in parquet] == [line["row"] for line in read] == [line["row"] for line in lines]


@pytest.mark.parametrize("metric", ["cost", "calls", "output_tokens", "cost_per_call", "error_share"])
def test_the_cells_of_two_dimensions(client, workspace, usage, metric):
    query = f"metric={metric}&by=tag.customer&across=agent&period=30d&rows=all&against=none"
    html, groups, total = page_and_api(client, workspace, query)
    head, *body = main_table(html)
    columns = {
        place: name for place, name in enumerate(head) if name in ("triage", "coder", "reasoning", "Not attributed")
    }
    assert len(columns) == 4
    measure = METRICS[metric]
    read = list(csv.DictReader(StringIO(client.get(f"/explore.csv?{query}").content.decode(), newline="")))
    in_file = {line["tag.customer"]: line for line in read}
    checked = 0
    for cells in body[:-1]:
        for place, agent in columns.items():
            found = groups.get(tuple("" if name == "Not attributed" else name for name in (cells[0], agent)))
            assert cells[place] == (as_read(measure.shown(found)) if found else "–")
            column = "agent not attributed" if agent == "Not attributed" else f"agent={agent}"
            value = measure.exported(found) if found else measure.exported(Sums())
            assert in_file[cells[0]][column] == (
                "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
            )
            checked += 1
    assert checked == 4 * (len(body) - 1) > 50
    assert as_read(measure.shown(total)) in body[-1]


@pytest.mark.parametrize(
    "query", ["by=none", "by=agent", "by=user&metric=calls", "by=tag.customer&metric=cached_share"]
)
@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_the_figures_of_every_bucket(client, workspace, usage, query, bucket):
    html = client.get(f"/explore?{query}&bucket={bucket}&period=30d&against=none").content.decode()
    command = text(html[html.index("<pre") : html.index("</pre>")])
    address = urlsplit(command.split('"')[3])
    answer = caller(workspace, "read").get(f"{address.path}?{address.query.replace('group_by', 'unused')}").json()
    measure = METRICS[query.partition("metric=")[2] or "cost"]
    expected = [as_read(measure.shown(sums(group))) for group in answer["groups"]]
    if query == "by=none":
        shown = [cells[1] for cells in main_table(html)[1:-1]]
    else:
        part = html[html.index('id="chart-figures"') : html.index('id="h-table"')]
        shown = [cells[-1] for cells in rows(part)[1:] if cells[-1] != "–"]
    assert shown == expected


def test_every_value_in_every_bucket_is_in_the_file_that_the_page_links_to(client, workspace, usage):
    html = client.get("/explore?by=user&across=agent&period=30d").content.decode()
    address = next(link for link in links(html) if link.startswith("/api/v1/export/spend.parquet"))
    content = b"".join(client.get(address).streaming_content)
    table = pq.read_table(BytesIO(content)).to_pylist()
    assert {"bucket", "user", "agent", "cost_usd"} <= set(table[0])
    calls = next(link for link in links(html) if link.startswith("/api/v1/export/events.ndjson"))
    events = [json.loads(line) for line in b"".join(client.get(calls).streaming_content).splitlines()]
    assert sum(line["cost_usd"] for line in table) == sum(Decimal(event["cost_usd"] or 0) for event in events)
    assert sum(line["calls"] for line in table) == sum(event["requests"] for event in events)
    total = main_table(html)[-1]
    assert f"${sum(line['cost_usd'] for line in table):,.2f}" in total
