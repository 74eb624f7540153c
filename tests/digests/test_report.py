"""What a digest tells: sums that agree with the books, movers, coverage, budgets, incidents, the forecast; the PDF."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.alerts.incidents import Report as Told
from costwatch.alerts.incidents import open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.budgets import manage
from costwatch.digests import paper, send, words
from costwatch.digests import span as spans
from costwatch.digests.report import report
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.lib.periods import zone
from tests.digests.conftest import BERLIN, NOW
from tests.ledger.make import entry

pytestmark = [pytest.mark.usefixtures("weeks"), pytest.mark.thorough]


@pytest.fixture
def week(workspace):
    return report(workspace, spans.latest("weekly", NOW, BERLIN, 1), NOW)


def test_the_sums_are_those_of_the_books(week):
    assert week.total.cost == Decimal(112)
    assert week.before.cost == Decimal(70)
    assert sum(amount for _, amount in week.days) == week.total.cost
    assert len(week.days) == 7


def test_the_sentence_says_what_it_came_to_and_against_what(week):
    assert words.sentence(week) == (
        "$112.00 was spent in the week 16–22 Nov 2026, +$42.00 against $70.00 in the week before (+60 %)."
    )
    assert words.title("Larkfield Support", week) == "Larkfield Support, 16–22 Nov 2026: $112.00, +60 %"


def test_what_has_no_price_is_said_and_not_left_out(week):
    assert words.coverage(week) == "94.9 % of the money is priced; 3 calls without a price cost at most $6.00."
    assert [(model, sums.unpriced_calls) for model, sums in week.unpriced] == [("<b>preview</b>", 3)]


def test_movers_are_ranked_by_dollars_and_say_what_is_new(week):
    agents = [(m.value, m.delta, words.mover(m)) for m in week.movers if m.dimension == "agent"]
    assert agents == [("reasoning", Decimal(42), "not there before")]


def test_budgets_stand_in_it_with_what_is_over_first(workspace, ann):
    for name, amount in (("roomy", "100000"), ("tight", "1")):
        manage.create(workspace, {"name": name, "amount_usd": amount, "period": "monthly"}, str(ann))
    found = report(workspace, spans.latest("weekly", NOW, BERLIN, 1), NOW)
    assert [budget.name for budget in found.budgets] == ["tight", "roomy"]
    assert found.budgets[0].state == "over"
    assert "tight: $" in words.text(found)


def test_a_budget_for_each_user_stands_with_the_user_who_spent_most(workspace, ann):
    asked = {"name": "each", "amount_usd": "10", "period": "monthly", "per": "agent"}
    manage.create(workspace, asked, str(ann))
    (line,) = report(workspace, spans.latest("weekly", NOW, BERLIN, 1), NOW).budgets
    name, spent = line.name.removeprefix("each: "), Decimal(line.spent.replace("$", "").replace(",", ""))
    assert name in ("triage", "reasoning")
    assert line.share == spent / 10, "of the limit that each has, not of what all spent together"


def test_incidents_of_the_period_are_counted_and_the_worst_named(workspace):
    at = datetime(2026, 11, 18, 12, tzinfo=UTC)
    for number, severity in enumerate((Severity.NOTICE, Severity.CRITICAL)):
        told = Told(Kind.LOOP, f"loop:{number}", severity, f"loop {severity}", "It loops.", "triage", at)
        open_or_update(workspace.pk, told, NOW)
    old = Told(Kind.LOOP, "loop:9", Severity.ALARM, "old", "It loops.", "triage", at - timedelta(days=9))
    open_or_update(workspace.pk, old, NOW)
    found = report(workspace, spans.latest("weekly", NOW, BERLIN, 1), NOW)
    assert [incident.title for incident in found.incidents] == ["loop critical", "loop notice"]
    assert words.incident_count(found) == "2 incidents, 2 still open"


def test_the_running_month_is_forecast(week):
    assert words.forecast(week).startswith("November has cost $2")
    assert "will end at about $" in words.forecast(week)


def test_a_running_week_is_compared_up_to_the_same_time(workspace):
    found = report(workspace, spans.holding("weekly", NOW, BERLIN, 1), NOW)
    assert not found.is_over
    assert found.total.cost == Decimal(20)
    assert found.before.cost == Decimal(48)
    assert "up to the same time" in words.sentence(found)


def test_a_day_is_told_by_hour_in_the_zone_of_the_reader(workspace):
    tz = zone("America/New_York")
    found = report(workspace, spans.on("daily", NOW.date() - timedelta(days=1), tz, 1), NOW, "America/New_York")
    assert len(found.days) == 24
    assert found.total.cost == Decimal(10)
    assert [at.astimezone(tz).hour for at, usd in found.days if usd] == [6]


def test_where_the_books_do_not_reach_back_they_say_where_they_begin_and_who_cost_most(workspace):
    for kind, day in (("weekly", 3), ("monthly", 3), ("daily", 2)):
        found = report(workspace, spans.on(kind, datetime(2026, 11, day).date(), BERLIN, 1), NOW)
        assert words.sentence(found).endswith("; the books begin 2 Nov.")
        assert "%" not in words.title("Larkfield", found)
    found = report(workspace, spans.on("monthly", datetime(2026, 11, 3).date(), BERLIN, 1), NOW)
    assert [(m.value, m.now) for m in found.moved("agent")] == [("triage", 230), ("reasoning", 42)]


def test_nothing_before_is_said_without_a_percentage(workspace):
    record(workspace.lane, [entry(timestamp=NOW - timedelta(days=90), cost="1")])
    fold_all()
    found = report(workspace, spans.on("weekly", datetime(2026, 11, 3).date(), BERLIN, 1), NOW)
    assert words.sentence(found).endswith("; nothing in the week before.")


def test_movers_that_are_not_shown_are_all_others_and_the_list_is_the_whole_change(week):
    assert [(m.value, m.now, m.delta) for m in week.moved("agent")] == [("reasoning", 42, 42), (None, 70, 0)]
    for dimension in ("agent", "model"):
        assert sum(m.delta for m in week.moved(dimension)) == week.change


def test_the_mail_escapes_what_senders_named(workspace, week):
    message = send.message(workspace, week)
    assert "&lt;b&gt;preview" in message["html"] and "<b>preview" not in message["html"]
    assert "<b>preview</b>: 3 calls" in message["text"]
    for part in ("Agents that moved it", "Forecast", "Incidents", "Without a price"):
        assert part in message["html"]


def test_the_mail_links_to_the_page_where_its_address_is_known(workspace, week, settings):
    assert "url" not in send.message(workspace, week)
    settings.PUBLIC_URL = "https://costwatch.example.org/"
    assert send.message(workspace, week)["url"] == "https://costwatch.example.org/digests/weekly/2026-11-16"


def test_the_pdf_holds_the_digest(workspace, week):
    found = paper.pdf(workspace.name, week, NOW)
    assert found.startswith(b"%PDF-") and found.rstrip().endswith(b"%%EOF")
    assert len(found) < 60_000


def test_a_pdf_of_a_week_without_calls_is_one_too(workspace):
    quiet = report(workspace, spans.on("weekly", NOW.date() - timedelta(days=300), BERLIN, 1), NOW)
    assert paper.pdf("Łódź 日本", quiet, NOW).startswith(b"%PDF-")


@pytest.mark.parametrize(("text", "printed"), [("Zürich – 5 ≤ 6", "Zürich - 5 <= 6"), ("Łódź", "Lódz"), ("日本", "??"),
                                               ("a\x00\nb", "a??b"), ("naïve ﬁ", "naïve fi")])  # fmt: skip
def test_letters_that_the_fonts_lack_become_the_nearest(text, printed):
    assert paper.printable(text) == printed
