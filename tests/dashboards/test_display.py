"""Boundaries of the one formatter."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest

from costwatch.dashboards import display
from costwatch.dashboards.budgets import words
from costwatch.dashboards.templatetags.display import facts
from tests.dashboards.page import as_read


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"),
        ("0.000000000000", "$0.00"),
        ("1784.1949", "$1,784.19"),
        ("1234567.891", "$1,234,567.89"),
        ("0.01", "$0.01"),
        ("0.0149", "$0.01"),
        ("0.009", "$0.00900"),
        ("0.0099999", "$0.0100"),
        ("0.00128", "$0.00128"),
        ("0.000000123456", "$0.000000123"),
        ("0.0000000012", "$0.0000000012"),
        ("0.000000000001", "$0.0000000001"),
        ("-25.26", "−$25.26"),
        ("-0.00128", "−$0.00128"),
    ],
)
def test_money_shows_cents_and_below_a_cent_three_digits(amount, text):
    assert display.money(D(amount)) == text


def test_an_unknown_amount_is_never_zero_dollars():
    assert display.money(None) == display.unit_cost(None) == display.fixed(None, 4) == display.every_digit(None) == "–"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.7544", "$0.754"), ("0.0171", "$0.0171"), ("0.0065", "$0.00650"), ("0.9996", "$1.00"), ("12.345", "$12.3"),
     ("99.96", "$100"), ("123.4", "$123"), ("1234.5", "$1,230"), ("0", "$0.00"), ("-0.5", "−$0.500")],
)  # fmt: skip
def test_unit_costs_have_three_significant_digits(amount, text):
    assert display.unit_cost(D(amount)) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1_000, "1,000"), (9_999, "9,999"), (10_000, "10.0k"), (48_200, "48.2k"),
     (99_949, "99.9k"), (99_999, "100k"), (988_400, "988k"), (999_499, "999k"), (999_500, "1.00M"),
     (999_999, "1.00M"), (1_000_000, "1.00M"), (1_234_567, "1.23M"), (624_669_546, "625M"),
     (999_499_999, "999M"), (999_500_000, "1.00B"), (1_000_000_000, "1.00B"), (5_511_190_365, "5.51B"),
     (99_960_000_000, "100B"), (1_234_000_000_000, "1,234B"), (None, "–")],
)  # fmt: skip
def test_tokens_are_shortened_by_the_unit_of_the_rounded_number(number, text):
    assert display.tokens(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [("0", "0.0 %"), ("0.405", "40.5 %"), ("0.0004", "< 0.1 %"), ("0.0006", "0.1 %"), ("1", "100.0 %"), (None, "–")],
)
def test_a_share_that_is_there_never_reads_as_zero(share, text):
    assert as_read(display.percent(None if share is None else D(share))) == text


@pytest.mark.parametrize(("share", "text"), [("1", "100 %"), ("0.99999", "99.9 %"), ("0.992", "99.2 %"), (None, "–")])
def test_coverage_is_100_percent_only_when_nothing_is_missing(share, text):
    assert as_read(display.coverage(None if share is None else D(share))) == text


@pytest.mark.parametrize(
    ("now", "before", "text", "state"),
    [("110", "100", "▲ 10 %", "bad"), ("90", "100", "▼ 10 %", "ok"), ("5", "0", "new", "muted"),
     ("0", "5", "▼ 100 %", "ok"), ("0", "0", "–", "muted"), ("5", "5", "0 %", "muted"),
     ("100.4", "100", "0 %", "muted"), ("100.6", "100", "▲ 1 %", "bad"), ("1090", "100", "▲ 990 %", "bad"),
     ("1100", "100", "▲ 11 ×", "bad"), ("10000", "100", "▲ 100 ×", "bad"), ("10001", "100", "▲ > 100 ×", "bad"),
     ("11.86", "0.02", "▲ > 100 ×", "bad"), ("1.50", "0.0004", "▲ > 100 ×", "bad")],
)  # fmt: skip
def test_a_change_is_dearer_or_cheaper_and_new_where_nothing_was(now, before, text, state):
    told = display.change(D(now), D(before))
    assert (as_read(told.text), told.state) == (text, state)


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [("515.5951", "522.9949", f"{display.MINUS}$7.39"), ("522.9949", "515.5951", "+$7.39"), ("5", "5.004", "$0.00"),
     ("0.0123", "0.0099", "+$0.00240"), ("1.004", "0", "+$1.00"), ("0", "0", "$0.00"),
     ("-1.006", "1", f"{display.MINUS}$2.01")],
)  # fmt: skip
def test_a_difference_is_what_the_shown_amounts_subtract_to_and_below_a_dollar_exact(now, before, text):
    assert display.difference(D(now), D(before)) == text


def test_a_change_that_is_no_money_is_not_judged():
    assert display.change(D(200), D(100), judged=False).state == "muted"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.41, "410 ms"), (0.9996, "1.0 s"), (12.34, "12.3 s"), (59.94, "59.9 s"), (59.96, "1:00"),
     (192, "3:12"), (1904, "31:44"), (3599.6, "1:00:00"), (3723, "1:02:03"), (86_399.7, "1 d 0 h"),
     (183_600, "2 d 3 h")],
)  # fmt: skip
def test_durations_read_like_a_clock(seconds, text):
    assert as_read(display.duration(timedelta(seconds=seconds))) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [(date(2026, 11, 18), date(2026, 11, 18), "18 Nov 2026"), (date(2026, 11, 1), date(2026, 11, 18), "1–18 Nov 2026"),
     (date(2026, 10, 28), date(2026, 11, 3), "28 Oct – 3 Nov 2026"),
     (date(2025, 12, 30), date(2026, 1, 3), "30 Dec 2025 – 3 Jan 2026")],
)  # fmt: skip
def test_a_range_of_days_says_nothing_twice(first, last, text):
    assert display.days(first, last) == text


def test_moments_carry_their_weekday_and_seconds():
    at = datetime(2026, 11, 18, 14, 32, 7, tzinfo=UTC)
    assert (display.clock(at), display.moment(at)) == ("14:32:07", "Wed 18 Nov 2026 14:32:07")


@pytest.mark.parametrize(
    ("amount", "parts"),
    [("4400.9", ("$4,400", ".90")), ("99999.99", ("$99,999", ".99")), ("100000.4", ("$100,000", "")),
     ("0", ("$0", ".00")), ("0.00128", ("$0.00128", "")), ("-3.5", ("−$3", ".50"))],
)  # fmt: skip
def test_headlines_set_their_cents_apart_and_drop_them_from_100000_dollars_on(amount, parts):
    assert display.headline(D(amount)) == parts


def test_a_column_of_call_costs_gets_the_decimals_its_smallest_needs():
    assert display.aligned_decimals([D("0.0382"), D("0.389"), None]) == 4
    assert display.aligned_decimals([D("0.00128"), D("0.5")]) == 5
    assert display.aligned_decimals([D("12"), D("3")]) == 2
    assert display.aligned_decimals([None, D(0)]) == 2
    assert display.aligned_decimals([D("0.000000000001")]) == 10
    assert display.fixed(D("8.4616"), 4) == "$8.4616"


def test_every_digit_of_the_books_can_be_read():
    assert display.every_digit(D("1234.500000000000")) == "$1,234.50"
    assert display.every_digit(D("0.000000123456")) == "$0.000000123456"
    assert display.every_digit(D("-0.10")) == "−$0.10"


def test_nothing_attributed_has_words():
    assert display.name("") == display.name(None) == "Not attributed"
    assert display.name("triage") == "triage"


@pytest.mark.parametrize(
    ("amount", "text"), [(None, "–"), ("0", "$0.00"), ("99.99", "$99.99"), ("100", "$100"), ("7132.5", "$7,132"),
                         ("-7132.6", "−$7,133")],
)  # fmt: skip
def test_an_estimate_has_no_cents_from_a_hundred_dollars_on(amount, text):
    assert display.about(amount and D(amount)) == text


def test_a_moment_of_these_days_needs_neither_year_nor_seconds():
    assert display.day_and_time(datetime(2026, 11, 18, 14, 32, 7)) == "Wed 18 Nov 14:32"
    assert display.day_and_time(None) == "–"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("13.2600016", "$13.26"), ("1", "$1.00"), ("0.99951", "$1.00"), ("0.0157", "$0.0157"), ("0", "$0.00")],
)
def test_one_run_costs_cents_from_a_dollar_on_and_three_digits_below(amount, text):
    assert display.single_cost(D(amount)) == text
    assert display.single_cost(None) == display.NOTHING


def test_times_have_a_decimal_below_ten():
    assert [as_read(display.times(D(ratio))) for ratio in ("3.44", "9.94", "28.6", "1234")] == [
        "3.4 ×",
        "9.9 ×",
        "29 ×",
        "1,234 ×",
    ]


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("2026-11-26T23:00:00+00:00", "Fri 27 Nov 2026 00:00:00"),
        ("2026-11-26T06:17:24.470943Z", "Thu 26 Nov 2026 07:17:24"),
        ("2026-11-26", "2026-11-26"),
        ("2026-99-26T06:17:24Z", "2026-99-26T06:17:24Z"),
        ("2000.000000000000", "2000.00"),
        ("165.943401000000", "165.943401"),
        ("0.000000000001", "0.000000000001"),
        ("1.2.3", "1.2.3"),
        (True, "yes"),
        (12, "12"),
        ([50, "80.000"], "50, 80.00"),
    ],
)
def test_facts_of_the_audit_log_are_told_in_words_and_in_the_zone(fact, told):
    assert facts({"name": fact, "empty": None, "none": [], "inner": {"of": False}}, "Europe/Berlin") == [
        ("name", told),
        ("inner of", "no"),
    ]


@pytest.mark.parametrize("told", [
    display.percent(D("0.405")), display.percent(D("0.0001")), display.coverage(D(1)), display.coverage(D("0.5")),
    display.times(D(3)), display.times(D(30)), display.change(D(11), D(10)).text, display.change(D(900), D(1)).text,
    display.duration(timedelta(seconds=0.4)), display.duration(timedelta(seconds=4)), words.used(D("0.0001")),
    words.used(D("0.8")), words.ahead(timedelta(days=3)), words.ahead(timedelta(minutes=3)),
])  # fmt: skip
def test_no_line_ends_between_a_number_and_its_unit(told):
    assert " " not in told.removeprefix("in "), told


@pytest.mark.parametrize(("sentence", "kept"), [
    ("Support has spent 80 % of it (80.0 %).", "Support has spent 80~% of it (80.0~%)."),
    ("15 × its usual hour, 4 ms, 2 h", "15~× its usual hour, 4~ms, 2~h"),
    ("against 4–29 Oct", "against 4+–+29~Oct"), ("since Wed 18 Nov 14:32", "since Wed 18~Nov 14:32"),
    ("3 sessions of 12 minutes; 4 Octopus", "3 sessions of 12 minutes; 4 Octopus"), ("", ""),
])  # fmt: skip
def test_a_sentence_keeps_its_numbers_whole(sentence, kept):
    assert display.unbroken(sentence) == kept.replace("~", display.NBSP).replace("+", display.JOINER)
    assert as_read(display.unbroken(sentence)) == sentence
