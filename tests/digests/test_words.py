"""A digest in words, for every case its numbers can be in: more, less, the same, nothing, unpriced, unknown, so far."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.digests import paper, words
from costwatch.digests import span as spans
from costwatch.digests.report import BudgetLine, Mover, Report
from costwatch.lib.signs import MINUS
from costwatch.spend.forecast import Outlook
from costwatch.spend.outlooks import MonthOutlook
from costwatch.spend.sums import Sums
from tests.digests.conftest import BERLIN, NOW

pytestmark = pytest.mark.thorough
DAY = date(2026, 11, 16)
NO_FORECAST = MonthOutlook(date(2026, 11, 1), date(2026, 11, 30), date(2026, 11, 25), Decimal(200), Decimal(40), None,
                           None, None)  # fmt: skip
money = st.decimals(Decimal("0.01"), Decimal(10) ** 9, places=2)


def made(kind: str = "weekly", cost: object = 112, before: object = 70, **more: object) -> Report:
    span = spans.on(kind, DAY, BERLIN, 1)
    usual = {
        "span": span, "until": span.end, "zone": "Europe/Berlin", "total": Sums(calls=9, cost=Decimal(str(cost))),
        "before": Sums(calls=9, cost=Decimal(str(before))), "begun": None, "days": [], "movers": [],
        "budgets": [], "more_budgets": 0, "incidents": [], "incident_count": 0, "open_count": 0, "outlook": NO_FORECAST,
        "unpriced": [],
    }  # fmt: skip
    return Report(**(usual | more))


@pytest.mark.parametrize(
    ("kind", "cost", "before", "said"),
    [
        ("weekly", 112, 70, "$112.00 was spent in the week 16–22 Nov 2026, +$42.00 against $70.00 in the week before"
                            " (+60 %)."),
        ("weekly", 70, 112, "$70.00 was spent in the week 16–22 Nov 2026, −$42.00 against $112.00 in the week before"
                            " (−38 %)."),
        ("weekly", "515.5951", "522.9949", "$515.60 was spent in the week 16–22 Nov 2026, −$7.39 against $522.99 in the"
                                           " week before (−1.4 %)."),
        ("daily", 5, 5, "$5.00 was spent on Mon 16 Nov 2026, $0.00 against $5.00 in the day before (0.0 %)."),
        ("monthly", 0, 5, "$0.00 was spent in November 2026, −$5.00 against $5.00 in the month before (−100 %)."),
        ("monthly", 5, 0, "$5.00 was spent in November 2026; nothing in the month before."),
        ("daily", 0, 0, "$0.00 was spent on Mon 16 Nov 2026; nothing in the day before."),
        ("daily", "0.00234", "0.002", "$0.00234 was spent on Mon 16 Nov 2026, +$0.000340 against $0.00200 in the day"
                                      " before (+17 %)."),
        ("weekly", "1234567.891", 1, "$1,234,567.89 was spent in the week 16–22 Nov 2026, +$1,234,566.89 against $1.00"
                                     " in the week before (> 100 ×)."),
    ],
)  # fmt: skip
def test_the_sentence_says_how_much_when_and_against_what(kind, cost, before, said):
    assert words.sentence(made(kind, cost, before)) == said


def test_while_a_period_runs_it_is_so_far_and_the_title_says_it_too():
    running = made(until=datetime(2026, 11, 18, tzinfo=UTC))
    assert words.sentence(running) == (
        "$112.00 has been spent in the week 16–22 Nov 2026, +$42.00 against $70.00 in the week before, up to the same"
        " time (+60 %)."
    )
    assert words.title("Larkfield", running) == "Larkfield, 16–22 Nov 2026: $112.00 so far, +60 %"
    assert words.title("Larkfield", made(before=0)) == "Larkfield, 16–22 Nov 2026: $112.00"


@pytest.mark.parametrize("name", ["a\nb", "Lark\r\nSubject: x", "x" * 500, "\x1b[31m", "\u202e"])
def test_a_title_is_one_line_whatever_the_workspace_is_called(name):
    title = words.title(name, made())
    assert "\n" not in title and "\r" not in title
    assert all(letter.isprintable() for letter in title)


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        (Sums(), "No calls."),
        (Sums(calls=5, cost=Decimal(1)), "All of it is priced."),
        (Sums(calls=5), "All of it is priced."),
        (Sums(calls=5, unpriced_calls=5), "No call of it has a price."),
        (Sums(calls=5, unknown_calls=5), "No call of it has a price."),
        (Sums(calls=2_000, cost=Decimal(97), unpriced_calls=1_500, upper_bound=Decimal(3)),
         "97.0 % of the money is priced; 1,500 calls without a price cost at most $3.00."),
        (Sums(calls=9, cost=Decimal("99.999"), unpriced_calls=1, upper_bound=Decimal("0.001")),
         "99.9 % of the money is priced; 1 call without a price costs at most $0.00100."),
        (Sums(calls=9, cost=Decimal(1), unknown_calls=3), "All of it is priced. 3 calls came without usage."),
        (Sums(calls=9, cost=Decimal(1), unknown_calls=1), "All of it is priced. 1 call came without usage."),
        (Sums(calls=9, cost=Decimal(1), unknown_calls=1_003, unpriced_calls=2, upper_bound=Decimal(1)),
         "50.0 % of the money is priced; 2 calls without a price cost at most $1.00. 1,003 calls came without usage."),
        (Sums(calls=9, unpriced_calls=9, upper_bound=Decimal(1)),
         "0.0 % of the money is priced; 9 calls without a price cost at most $1.00."),
    ],
)  # fmt: skip
def test_how_much_is_priced_is_never_rounded_up_to_all(sums, said):
    assert words.coverage(made(total=sums)) == said


@given(money, st.decimals(Decimal("0.01"), Decimal(1000), places=2))
def test_where_anything_is_unpriced_it_is_not_all(cost, bound):
    told = words.coverage(made(total=Sums(calls=2, cost=cost, unpriced_calls=1, upper_bound=bound)))
    assert not told.startswith("100") and "1 call without a price costs at most" in told


@given(money, money)
def test_a_change_and_its_share_have_the_same_sign(cost, before):
    found = made(cost=cost, before=before)
    sign = "+" if cost > before else MINUS if cost < before else ""
    for told in (words.relative(found), words.change(found.change)):
        assert told in ("> 100 ×", "0.0 %") or (told.startswith(sign) and told[len(sign)] in "$0123456789")


def test_a_change_that_rounds_to_nothing_has_no_sign_wherever_a_digest_tells_it():
    movers = [Mover("agent", "triage", Decimal("6000"), Decimal("5000"))]
    found = made(cost="10999.60", before="10000.00", movers=movers)
    assert words.moved(found, "agent")[-1] == ("All others", "$4,999.60", "−$0.40", "0.0 %")
    assert "−$0.40  All others: $4,999.60 (0.0 %)" in words.text(found)
    assert words.relative(made(cost="9999.60", before="10000")) == "0.0 %"
    assert words.relative(made(cost="10000.40", before="10000")) == "0.0 %"


def test_a_month_without_a_forecast_says_why():
    assert words.forecast(made()) == "November has cost $240.00 so far; there is not enough history for a forecast."
    outlook = replace(NO_FORECAST, total=Outlook(Decimal(270), Decimal(300), Decimal("340.5")))
    assert words.forecast(made(outlook=outlook)) == (
        "November has cost $240.00 so far and will end at about $300.00 (four times of five from $270.00 to $340.50)."
    )


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (5, 0, "not there before"),
        (0, 5, "gone"),
        (6, 4, "+50 %"),
        (4, 6, "−33 %"),
        ("4.02", 4, "+0.5 %"),
        (4, 4, "0.0 %"),
        ("3.999", 4, "0.0 %"),
        ("4.001", 4, "0.0 %"),
    ],
)
def test_a_mover_says_why_in_a_word(now, before, said):
    assert words.mover(Mover("agent", "triage", Decimal(str(now)), Decimal(str(before)))) == said


def test_the_text_has_a_part_for_each_thing_there_is_and_none_for_what_is_not():
    plain = words.text(made())
    assert plain.split("\n\n") == [
        f"{words.sentence(made())}\n{words.coverage(made())}", words.forecast(made()),
        "No incident was opened in the week.",
    ]  # fmt: skip
    rich = made(
        movers=[Mover("agent", "", Decimal(9), Decimal(0)), Mover("model", "gpt\nx", Decimal(0), Decimal(3))],
        budgets=[BudgetLine(1, "Support", "$48.10", "$60.00", Decimal("0.8017"), "close", "", None)],
        unpriced=[("preview", Sums(unpriced_calls=1_200)), ("other", Sums(unpriced_calls=1))],
    )
    text = words.text(rich)
    assert "Agents that moved it\n        +$9.00  Not attributed: $9.00 (not there before)" in text
    assert (
        "Models that moved it\n        −$3.00  gpt x: $0.00 (gone)\n       +$45.00  All others: $112.00 (+67 %)" in text
    )
    assert "Budgets\n  80.1 %  Support: $48.10 of $60.00, close" in text
    assert "Without a price\n  preview: 1,200 calls\n  other: 1 call" in text


def test_movers_and_all_others_are_the_whole_to_the_last_digit():
    movers = [
        Mover("agent", "triage", Decimal("9.123456789012"), Decimal(2)),
        Mover("agent", "", Decimal(0), Decimal(8)),
    ]
    shown = made(cost="20.5", before="10.000000000001", movers=movers).moved("agent")
    assert [mover.value for mover in shown] == ["triage", "", None]
    assert sum(mover.now for mover in shown) == Decimal("20.5")
    assert sum(mover.before for mover in shown) == Decimal("10.000000000001")
    whole = made(cost="9.123456789012", before=10, movers=movers)
    assert whole.moved("agent") == movers, "nothing is left"
    assert whole.moved("model") == [], "nothing moved"


def test_where_the_books_begin_within_the_period_before_nothing_is_said_of_a_change():
    found = made(
        "monthly", 1879, 257, begun=date(2026, 10, 27), movers=[Mover("agent", "triage", Decimal(9), Decimal(0))]
    )
    assert words.sentence(found) == "$1,879.00 was spent in November 2026; the books begin 27 Oct."
    assert words.title("Larkfield", found) == "Larkfield, November 2026: $1,879.00"
    assert "Agents that cost most\n         $9.00  triage\n     $1,870.00  All others\n" in words.text(found)
    assert "%" not in words.text(found) and "+" not in words.text(found)


@pytest.mark.parametrize(
    ("count", "open_", "said"),
    [(1, 0, "1 incident, all over"), (1, 1, "1 incident, 1 still open"), (2, 0, "2 incidents, all over"),
     (1_500, 1_200, "1,500 incidents, 1,200 still open")],
)  # fmt: skip
def test_incidents_are_counted_and_named(count, open_, said):
    one = SimpleNamespace(pk=7, severity="alarm", state="open", title="triage:\ncaught in a loop")
    found = made(incidents=[one], incident_count=count, open_count=open_)
    assert words.incidents(found) == [said, "  #7 alarm, open: triage: caught in a loop"]


@given(st.text(max_size=200))
def test_any_text_can_be_printed_in_letters_that_pdf_has(text):
    printed = paper.printable(text)
    assert all(" " <= letter <= "~" or "\xa1" <= letter <= "\xff" for letter in printed)
    assert paper.printable(printed) == printed, "what can be printed stays as it is"


@pytest.mark.parametrize("rows", [0, 1, 40, 200])
def test_a_pdf_goes_on_over_pages_and_holds_any_names(rows):
    names = ["日本語" * 40, "a" * 300, "", "Ω≤€", "=HYPERLINK()"]
    found = made(
        days=[(NOW, Decimal(n)) for n in range(rows)],
        movers=[Mover("agent", names[n % 5], Decimal(n), Decimal(1)) for n in range(rows)],
        budgets=[
            BudgetLine(n, names[n % 5], "$1.00", "$2.00", Decimal("0.5"), "within", "", None) for n in range(rows)
        ],
        unpriced=[(names[n % 5], Sums(unpriced_calls=n)) for n in range(rows)],
    )
    file = paper.pdf("Łódź", found, NOW)
    assert file.startswith(b"%PDF-") and file.rstrip().endswith(b"%%EOF")
    pages = file.count(b"/Type /Page\n")
    assert pages == {0: 1, 1: 1}.get(rows, pages) and (pages > 2) is (rows >= 40)
