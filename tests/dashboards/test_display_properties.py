"""What every number on a page keeps to: it reads back as what it stands for, as exactly as it promises."""

from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from json import loads

import pytest
from django.template import Context, Template
from hypothesis import example, given
from hypothesis import strategies as st

from costwatch.dashboards import display
from costwatch.dashboards.templatetags import display as filters
from costwatch.spend.sums import Sums
from tests.dashboards.page import as_read

pytestmark = pytest.mark.thorough

AMOUNTS = st.decimals(-(10**12), 10**12, places=12, allow_nan=False, allow_infinity=False)
POSITIVE = st.decimals(Decimal("1e-12"), 10**9, places=12)
WHOLE = st.integers(-(10**15), 10**15)


def number(text: str) -> Decimal:
    """What somebody reads."""
    return Decimal(text.replace("−", "-").replace("$", "").replace(",", "").replace("+", ""))


@given(AMOUNTS)
def test_money_is_right_to_the_cent_or_to_three_digits(amount):
    shown = number(display.money(amount))
    if abs(amount) >= Decimal("0.01") or not amount:
        assert abs(shown - amount) <= Decimal("0.005")
    elif abs(amount) >= Decimal("1e-8"):
        assert abs(shown - amount) <= abs(amount) * Decimal("0.005")
    else:
        assert abs(shown - amount) <= Decimal("1e-10"), "ten decimals at most"
    assert bool(shown) == bool(amount), "what is there never reads as nothing"


@given(AMOUNTS)
def test_no_amount_has_an_exponent_a_plain_hyphen_or_a_sign_of_zero(amount):
    for text in (
        display.money(amount), display.unit_cost(amount), display.single_cost(amount), display.about(amount),
        display.every_digit(amount), display.fixed(amount, 2), "".join(display.headline(amount)),
        display.money_change(amount),
    ):  # fmt: skip
        assert not set(text.upper()) & set("E-"), text
        assert text.lstrip("+−").startswith("$")
        assert not (text.startswith("−") and not number(text)), text


@given(POSITIVE)
def test_a_unit_cost_has_three_digits_that_are_right(amount):
    shown = number(display.unit_cost(amount))
    if amount >= Decimal("1e-8"):
        assert abs(shown - amount) <= amount * Decimal("0.005")
        assert len(str(shown.normalize().as_tuple().digits).split(",")) <= 4
    assert shown > 0


@given(AMOUNTS)
def test_every_digit_is_every_digit(amount):
    assert number(display.every_digit(amount)) == amount
    assert len(display.every_digit(amount).partition(".")[2]) >= 2


@given(AMOUNTS, AMOUNTS)
def test_of_two_amounts_the_larger_never_reads_as_the_smaller(one, other):
    low, high = sorted([one, other])
    assert number(display.money(low)) <= number(display.money(high))
    assert number("".join(display.headline(low))) <= number("".join(display.headline(high)))


@given(WHOLE)
def test_counts_are_exact_and_tokens_right_to_three_digits(count):
    assert number(display.count(count)) == count
    text = display.tokens(count)
    assert "-" not in text and "-" not in display.count(count)
    size = {"k": 10**3, "M": 10**6, "B": 10**9}.get(text[-1], 1)
    shown = number(text.rstrip("kMB")) * size
    assert abs(shown - count) <= abs(count) * Decimal("0.0051")
    assert (text[-1] in "kMB") == (abs(count) >= 10_000)
    if abs(count) < 10**12:
        assert len(text.lstrip("−")) <= 5, "9,999 or 10.0k"


@given(st.decimals(-5, 5, places=8))
def test_a_share_is_right_to_a_tenth_of_a_percent_and_never_reads_as_nothing(share):
    text = as_read(display.percent(share))
    assert "-" not in text
    if text.startswith("<"):
        assert 0 < share <= Decimal("0.0005")
    else:
        assert abs(number(text.removesuffix(" %")) - share * 100) <= Decimal("0.05")
        assert not (share > 0 and number(text.removesuffix(" %")) == 0)


@given(st.decimals(0, 1, places=12))
def test_coverage_never_promises_more_than_there_is(share):
    shown = number(as_read(display.coverage(share)).removesuffix(" %"))
    assert shown <= share * 100
    assert (shown == 100) == (share == 1)


@given(st.timedeltas(timedelta(0), timedelta(days=900)))
def test_a_duration_reads_back_to_its_last_sign(span):
    text, seconds = as_read(display.duration(span)), span.total_seconds()
    if text.endswith(" ms"):
        assert abs(float(text[:-3]) / 1000 - seconds) <= 0.0005
    elif text.endswith(" s"):
        assert abs(float(text[:-2]) - seconds) <= 0.0501
    elif " d " in text:
        days, hours = text.removesuffix(" h").split(" d ")
        assert 0 <= seconds + 0.5 - (int(days) * 86_400 + int(hours) * 3600) <= 3600
        assert int(hours) < 24
    else:
        parts = [int(part) for part in text.split(":")]
        assert all(part < 60 for part in parts[1:])
        assert abs(sum(part * 60**n for n, part in enumerate(reversed(parts))) - seconds) <= 0.5


@example(Decimal(199), Decimal(200))
@example(Decimal(1004), Decimal(1000))
@given(st.decimals(0, 10**6, places=6), st.decimals(0, 10**6, places=6))
def test_a_change_points_the_way_the_amount_went(now, before):
    told = display.change(now, before)
    if before == now:
        assert (as_read(told.text), told.state) == ("0 %" if now else "–", "muted")
    elif before == 0:
        assert told == display.Change("new", "muted")
    elif abs(now - before) / before <= Decimal("0.005"):
        assert (as_read(told.text), told.state) == ("0 %", "muted")
    else:
        assert (told.text[0], told.state) == (("▲", "bad") if now > before else ("▼", "ok"))


@given(st.text(max_size=60), st.integers(2, 30))
def test_a_name_is_cut_to_its_length_and_stays_text(name, length):
    shown = Template("{% load display %}{{ name|short:length }}").render(Context({"name": name, "length": length}))
    visible = shown.partition('">')[2].removesuffix("</span>") if len(name) > length else shown
    assert not set(visible) & set("<>\"'")
    assert (len(name) > length) == shown.startswith("<span title=")


LEAVES = st.none() | st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.integers()


@given(st.recursive(LEAVES, lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3)))
def test_a_chart_survives_its_attribute_whatever_is_in_it(figure):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    reader = Reader()
    reader.feed(f"<cost-chart {filters.figure_attribute(figure)} aria-label='x'></cost-chart>")
    assert [tag for tag, _ in found] == ["cost-chart"]
    assert found[0][1].keys() == {"data-figure", "aria-label"}
    assert loads(found[0][1]["data-figure"]) == figure


@pytest.mark.parametrize(
    ("share", "drawn"), [("-0.5", "0.00%"), ("0", "0.00%"), ("0.12345", "12.35%"), ("1", "100.00%"), ("3", "100.00%")]
)
def test_a_bar_stays_in_its_column(share, drawn):
    assert filters.width(Decimal(share)) == drawn


def test_what_has_no_price_or_no_tokens_has_no_cost_per_million():
    assert filters.per_million(Sums(calls=2, unpriced_calls=2, input_tokens=10)) is None
    assert filters.per_million(Sums(calls=2, cost=Decimal(1))) is None
    assert filters.per_million(Sums(calls=2, cost=Decimal(1), input_tokens=300_000, output_tokens=100_000)) == Decimal(
        "2.5"
    )


@pytest.mark.parametrize(
    ("said", "came", "told"),
    [("110", "100", ("+10.0 %", "+$10.00")), ("90", "100", ("−10.0 %", "−$10.00")), ("100", "100", ("0.0 %", "$0.00"))],
)
def test_a_forecast_is_off_by_a_share_of_what_came(said, came, told):
    text, title = told
    assert as_read(filters.forecast_error(Decimal(said), Decimal(came))) == f'<span title="{title}">{text}</span>'
    assert filters.forecast_error(Decimal(said), Decimal(0)) == "–"


def test_one_of_so_many_and_shares_of_nothing_are_nothing():
    assert (filters.per(Decimal(6), 4), filters.per(Decimal(6), 0)) == (Decimal("1.5"), None)
    assert (filters.per_one(6, 4), filters.per_one(6, 0)) == ("1.5", "–")
    assert (filters.share_of(1, 4), filters.share_of(1, 0)) == (Decimal("0.25"), None)
    assert filters.cached_share(Sums(input_tokens=8, cached_input_tokens=2)) == Decimal("0.25")
    assert filters.cached_share(Sums()) == 0


@pytest.mark.parametrize("name", ["clock", "moment", "day_of", "day_and_time", "short_moment"])
def test_no_time_is_told_as_nothing_in_every_zone(name):
    assert getattr(filters, name)(None, "Asia/Kathmandu") == "–"
