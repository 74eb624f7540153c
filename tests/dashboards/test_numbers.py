"""What the Overview, the runs and the sessions show is what the API and the CSV say, to the last digit."""

import csv
from collections.abc import Callable
from decimal import Decimal
from io import StringIO

import pytest
from django.test import Client

from costwatch.dashboards import display
from costwatch.ledger.fold import fold_all
from tests.api.conftest import caller
from tests.dashboards.conftest import DAY
from tests.dashboards.page import rows
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")

NOVEMBER = "from=2026-11-01&to=2026-11-19&tz=Europe/Berlin&limit=1000"


@pytest.fixture
def usage(send) -> None:
    """Nine agents, forty runs, thirty sessions over this month and the one before; some of it not folded yet."""
    made = [
        entry(minutes=-((n * 353) % (44 * DAY)), cost=None if n % 19 == 0 else f"{(n * 7919) % 100}.{n:012}"[:15],
              agent_id=f"agent-{n % 9}" if n % 10 else None, run_id=f"run-{n % 40}" if n % 7 else None,
              session_id=f"session-{n % 30}", user_id=f"user-{n % 21}", input_tokens=n * 1000, output_tokens=n * 13,
              error=n % 8 == 0, requests=1 + n % 2)
        for n in range(1, 240)
    ]  # fmt: skip
    send(*made[:150])
    fold_all()
    send(*made[150:])


@pytest.fixture
def ask(workspace) -> Callable[[str], dict]:
    reader = caller(workspace, "read")
    return lambda address: reader.get(f"/api/v1/{address}").json()


def read(client: Client, address: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(address).content.decode(), newline="")))


def table(client: Client, address: str) -> list[list[str]]:
    html = client.get(address).content.decode()
    return rows(html[html.rindex("<thead") :])


@pytest.mark.parametrize("by", ["agent", "user", "session"])
def test_the_overview_by_any_dimension(client, ask, usage, by):
    answer = ask(f"spend?group_by={by}&{NOVEMBER}")
    costs = {group[by] or "Not attributed": Decimal(group["cost_usd"]) for group in answer["groups"]}
    total = Decimal(answer["total"]["cost_usd"])
    _, *lines = table(client, f"/?by={by}&rows=all")
    unpriced = {name for name, cost in costs.items() if not cost}
    shown = {cells[0]: cells[1] for cells in lines}
    assert shown.pop("Total") == display.money(total)
    assert shown == {n: "unpriced" if n in unpriced else display.money(cost) for n, cost in costs.items()}
    in_file = {line[by]: Decimal(line["cost_usd"]) for line in read(client, f"/overview.csv?by={by}&rows=all")}
    assert in_file.pop("Total") == total == sum(costs.values())
    assert in_file == costs
    assert len(costs) > 8


def test_the_runs_one_by_one(client, ask, usage):
    answer = {run["run_id"]: run for run in ask(f"runs?{NOVEMBER}")["items"]}
    shown = {cells[0]: cells for cells in table(client, "/runs")[1:] if cells[0] in answer}
    in_file = {line["run_id"]: line for line in read(client, "/runs.csv")}
    assert shown.keys() == in_file.keys() == answer.keys()
    for name, run in answer.items():
        cost = Decimal(run["cost_usd"])
        assert Decimal(in_file[name]["cost_usd"]) == cost
        assert in_file[name]["calls"] == str(run["calls"])
        assert display.single_cost(cost) in shown[name]
        assert display.count(run["calls"]) in shown[name]
    assert len(answer) == 40


def test_the_sessions_one_by_one(client, ask, usage):
    groups = ask(f"spend?group_by=session&{NOVEMBER}")["groups"]
    answer = {group["session"]: group for group in groups if group["session"]}
    shown = {cells[0]: cells for cells in table(client, "/sessions")[1:]}
    in_file = {line["session_id"]: line for line in read(client, "/sessions.csv")}
    assert shown.keys() == in_file.keys() == answer.keys()
    for name, session in answer.items():
        assert Decimal(in_file[name]["cost_usd"]) == Decimal(session["cost_usd"])
        assert in_file[name]["calls"] == str(session["calls"])
        assert display.single_cost(Decimal(session["cost_usd"])) in shown[name]
        assert display.count(session["calls"]) in shown[name]
    assert len(answer) == 30
