"""`costwatch reprice`: a dry run that says everything, then the same for good."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch import commands
from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.cli import parser
from costwatch.ledger.models import SpendAdjustment
from costwatch.ledger.record import record
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from costwatch.trouble import Trouble
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
SPAN = ("--from", "2026-11-10", "--to", "2026-11-20")


@pytest.fixture(autouse=True)
def two_models():
    book.forget()
    workspace = Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")
    record(workspace.lane, [entry(model=m, provider="acme", minutes=-60 * 24 * d, cost="1", input_tokens=1_000_000,
                                  output_tokens=0) for m in ("large", "small") for d in (0, 1)])  # fmt: skip
    for model, usd in (("large", 4), ("small", 1)):
        agree.add(
            workspace, parse({"provider": "acme", "model": model, "input": usd, "output": 1}, ZoneInfo("UTC")), "x"
        )
    yield workspace
    book.forget()


def run(*line: str) -> int:
    arguments = parser().parse_args(["reprice", *line])
    return commands.guarded(commands.reprice, arguments)


def test_a_dry_run_prints_totals_and_each_day_and_model_and_changes_nothing(capsys):
    assert run(*SPAN, "--model", "large") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Larkfield: 2 events looked at, 2 would change (repeat with --apply): $2.0")
    assert [line.split()[:3] for line in lines[2:]] == [["2026-11-17", "large", "1"], ["2026-11-18", "large", "1"]]
    assert lines[2].split()[-1] == "+3.000000000000"
    assert not SpendAdjustment.objects.exists()


def test_applied_it_is_in_the_books_and_the_audit_log_and_a_second_time_changes_nothing(capsys):
    run(*SPAN, "--reason", "wrong list", "--apply")
    assert verify(deep=True).ok
    entry = AuditEntry.objects.get(action="reprice.applied")
    assert (entry.actor, entry.facts["why"], Decimal(entry.facts["difference"])) == ("command line", "wrong list", 6)
    capsys.readouterr()
    run(*SPAN, "--apply")
    assert "all have the price of now" in capsys.readouterr().out


def test_days_are_those_of_the_workspace(capsys):
    at = (NOW - timedelta(days=1)).replace(hour=23, minute=30)  # 00:30 in Berlin
    record(Workspace.objects.get().lane, [entry("late", model="large", provider="acme", timestamp=at)])
    run("--from", "2026-11-18", "--to", "2026-11-19", "--model", "large")
    assert "2 events looked at" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("--from", "yesterday", "--to", "2026-11-20"), "is no date"),
        (("--from", "2026-11-20", "--to", "2026-11-20"), "later than --from"),
        ((*SPAN, "--workspace", "nobody"), "no workspace 'nobody'"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(line, told):
    with pytest.raises(Trouble, match=told):
        run(*line)
