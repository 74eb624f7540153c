"""A price list as people write it: what is read, in which words faults are said, and what it does to what holds."""

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.pricing import agree, pricelist
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.specs import Component

pytestmark = pytest.mark.thorough
BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def read(text, zone=BERLIN) -> list[Agreement]:
    agreements, problems = pricelist.read(text, zone)
    assert problems == []
    return agreements


def faults(text) -> list[tuple[int, str]]:
    problems = pricelist.read(text, BERLIN)[1]
    assert problems
    return [(problem.line, problem.message) for problem in problems]


@pytest.mark.parametrize(
    "text",
    [
        "model,input,output\nm,1.5,6\n",
        "model;input;output\nm;1.5;6\n",
        "model\tinput\toutput\nm\t1.5\t6\n",
        "\ufeffmodel,input,output\r\nm,1.5,6\r\n",
        " Model , INPUT ,Output\n M , $1.5 , 6.00 \n",
        'output,"input",model\n"6","1.5","m"',
        "\nmodel,input,output\nm,1.5,6"[1:] + "\n\n , , \n",
        "model,input_usd_per_million,output_per_1k_tokens\nm,1.5,0.006\n",
        "model,input,output,cached input,free,multiplier\nm,1.5,6,,no,\n",
    ],
)
def test_the_same_list_written_in_many_ways(text):
    (agreement,) = read(text)
    assert (agreement.provider, agreement.model, agreement.variant) == ("", "m", "standard")
    rates = {c.unit: c.price / c.per for c in agreement.components}
    assert rates == {"input": Decimal("0.0000015"), "output": Decimal("0.000006")}


def test_each_line_says_prices_a_discount_or_free():
    text = """provider,model,tier,input,discount_percent,multiplier,free,source
Azure_OpenAI,GPT-4o,,2,,,,Contract 7
,*,,,15,,,
acme,m,batch,,,1.1,,
acme,own-*,every,,,,yes,ours
"""
    priced, discounted, dearer, free = read(text)
    assert priced == Agreement("azure", "gpt-4o", (Component("input", Decimal(2)),), source="Contract 7")
    assert (discounted.model, discounted.multiplier, discounted.variant) == ("*", Decimal("0.85"), "")
    assert (dearer.multiplier, dearer.variant) == (Decimal("1.1"), "batch")
    assert (free.components, free.multiplier, free.variant, free.source) == ((), None, "", "ours")


@pytest.mark.parametrize(
    ("zone", "written", "utc"),
    [
        (BERLIN, "2026-03-29", "2026-03-28T23:00:00+00:00"),
        (BERLIN, "2026-03-30", "2026-03-29T22:00:00+00:00"),  # summer has begun
        (KATHMANDU, "2026-11-17", "2026-11-16T18:15:00+00:00"),
        (KATHMANDU, "2026-11-17T12:00", "2026-11-17T06:15:00+00:00"),
        (KATHMANDU, "2026-11-17T12:00Z", "2026-11-17T12:00:00+00:00"),
        (KATHMANDU, "2026-11-17T12:00-03:00", "2026-11-17T15:00:00+00:00"),
    ],
)
def test_days_are_those_of_the_workspace_unless_an_offset_is_written(zone, written, utc):
    (agreement,) = read(f"model,input,valid_from\nm,1,{written}\n", zone)
    assert agreement.start == datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, "must name the columns")),
        ("provider,input\na,1\n", (1, "must name the columns, model among them")),
        ("model,inputt\nm,1\n", (1, "'inputt' is no column of a price list")),
        ("model,components\nm,1\n", (1, "'components' is no column")),
        ("model,prices\nm,1\n", (1, "'prices' is no column")),
        ("model,input,Input\nm,1,1\n", (1, "The column input is there twice")),
        ("model,input,input_per_1k\nm,1,2\n", (2, "input is priced twice")),
        ("model,input\n", (1, "The list has no prices")),
        ("model,input\nm,1,2\n", (2, "3 cells, but 2 columns")),
        ("model,input\nm,1\nm,2\n", (3, "m stands in line 2 already")),
        ("model,input\nm,1\nM ,2\n", (3, "m stands in line 2 already")),
        ("model,input\nm,\n", (2, "Say one of three")),
        ("model,input,multiplier\nm,1,0.9\n", (2, "Say one of three")),
        ("model,input\nm,\"1\n2\"\n", (3, "is no price; write dollars with a point")),
        ("model,input\nm,1\n\"m2\"x,1\n", (3, "This is no CSV")),
        ("model,input,valid_from,valid_until\nm,1,2026-02-01,2026-01-01\n", (2, "must be later than valid_from")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text, expected):
    ((line, message),) = faults(text)
    assert line == expected[0] and expected[1] in message


def test_all_faults_of_a_list_are_said_at_once_and_the_good_lines_are_still_read():
    agreements, problems = pricelist.read("model,input\nok,1\n,2\nm,x\nfine,3\nm,-1\n", BERLIN)
    assert [a.model for a in agreements] == ["ok", "fine"]
    assert [problem.line for problem in problems] == [3, 4, 6]


def test_a_model_may_stand_in_several_lines_for_several_dates_tiers_and_regions():
    text = ("model,tier,region,valid_from,input\nm,,,,1\nm,batch,,,2\nm,,EU,,3\nm,,,2027-01-01,4\n")  # fmt: skip
    found = read(text)
    assert [(a.variant, a.region, a.components[0].price) for a in found if a.start is None] == [
        ("standard", "", 1), ("batch", "", 2), ("standard", "eu", 3),
    ]  # fmt: skip


def test_a_list_of_more_than_5000_prices_is_refused():
    found = faults("model,input\n" + "".join(f"m{n},1\n" for n in range(5001)))
    assert found == [(5002, "A list has at most 5,000 prices.")]


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.:/", min_size=1, max_size=12)
USD = st.decimals(0, 10_000, places=6)
ROWS = st.lists(
    st.tuples(NAMES, st.sampled_from(["standard", "batch", "flex"]), USD, USD, st.text(max_size=30)), min_size=1,
    max_size=8, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(max_examples=60)
@given(ROWS, st.sampled_from(",;\t"), st.booleans())
def test_whatever_a_spreadsheet_writes_is_read_back_exactly(rows, delimiter, quoted):
    text = StringIO()
    sheet = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    sheet.writerow(["model", "tier", "input", "output", "source"])
    why = [" ".join(row[4].split()) if row[4].isprintable() else "x" for row in rows]
    sheet.writerows([(m, tier, usd, out, said) for (m, tier, usd, out, _), said in zip(rows, why, strict=True)])
    found = read(text.getvalue())
    assert [(a.model, a.variant, *(c.price for c in a.components), a.source) for a in found] == [
        (m, tier, usd, out, said) for (m, tier, usd, out, _), said in zip(rows, why, strict=True)
    ]


@given(st.text(max_size=200))
def test_whatever_is_uploaded_it_is_read_or_refused(text):
    for head in ("", "model,input\n", "model;multiplier;valid_from\n"):
        agreements, problems = pricelist.read(head + text, BERLIN)
        assert agreements or problems
        assert all(problem.message for problem in problems)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


def upload(workspace, text) -> int:
    return agree.add_all(workspace, read(text), "ek@l.example", "acme 2027.csv")


def kinds(workspace, text) -> list[str]:
    return [compared.kind for compared in pricelist.compared(workspace, read(text))]


def held(workspace, model="m") -> list[tuple[str | None, Decimal]]:
    """(first day, USD per million) of what is agreed, in order."""
    rows = agree.agreed(workspace).filter(line__model=model).order_by("valid_from")
    found = [(row.valid_from, row.components.get().price) for row in rows]
    days = [(start.astimezone(BERLIN).date().isoformat() if start else None, usd) for start, usd in found]
    return sorted(days, key=lambda pair: pair[0] or "")


STEPS = "model,valid_from,input\nm,,1\nm,2027-01-01,2\nm,2028-01-01,3\n"
EXPECTED = [(None, 1), ("2027-01-01", 2), ("2028-01-01", 3)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_prices_of_a_list_follow_each_other_in_whatever_order_they_stand(workspace, order):
    head, *lines = STEPS.splitlines()
    upload(workspace, "\n".join([head, *(lines[i] for i in order)]))
    assert held(workspace) == EXPECTED


def test_the_same_list_a_second_time_changes_nothing(workspace):
    assert kinds(workspace, STEPS) == ["new"] * 3
    assert upload(workspace, STEPS) == 3
    assert kinds(workspace, STEPS) == ["same"] * 3
    ids = set(agree.agreed(workspace).values_list("pk", flat=True))
    assert upload(workspace, STEPS) == 0
    assert held(workspace) == EXPECTED
    assert set(agree.agreed(workspace).values_list("pk", flat=True)) == ids


def test_a_changed_line_changes_its_own_time_only(workspace):
    upload(workspace, STEPS)
    changed = STEPS.replace(",,1\n", ",,9\n")
    assert kinds(workspace, changed) == ["changed", "same", "same"]
    assert upload(workspace, changed) == 1
    assert held(workspace) == [(None, 9), ("2027-01-01", 2), ("2028-01-01", 3)]


def test_a_price_for_some_months_lies_over_the_one_for_ever_which_goes_on_after_it(workspace):
    text = "model,valid_from,valid_until,input\nm,2027-01-01,2027-04-01,2\nm,,,1\n"
    upload(workspace, text)
    assert held(workspace) == [(None, 1), ("2027-01-01", 2), ("2027-04-01", 1)]
    assert upload(workspace, text) == 0


def test_what_holds_is_shown_beside_what_would(workspace):
    upload(workspace, "model,input\nm,1\nother,5\n")
    lines = pricelist.compared(workspace, read("model,input\nm,2\nother,5\nnew,3\n"))
    assert [(line.kind, line.before) for line in lines] == [
        ("changed", "input $1 per 1M"), ("same", "input $5 per 1M"), ("new", ""),
    ]  # fmt: skip


def test_a_list_of_another_workspace_is_not_ours(workspace):
    upload(workspace, STEPS)
    other = Workspace.objects.create(name="Elsewhere")
    assert kinds(other, STEPS) == ["new"] * 3


def test_the_audit_log_says_how_much_of_a_list_was_new(workspace):
    upload(workspace, "model,input\nm,1\nother,5\n")
    upload(workspace, "model,input\nm,1\nother,6\n")
    first, second = AuditEntry.objects.filter(action="price.list").order_by("pk")
    assert (first.facts["prices"], first.facts["changed"]) == (2, 2)
    assert (second.facts["prices"], second.facts["changed"], second.facts["models"]) == (2, 1, ["other"])


def test_a_list_is_stored_whole_or_not_at_all(workspace):
    good = read("model,input\nm,1\n")
    broken = Agreement("", "n", (Component("input", Decimal("1e20")),))  # more than the table can hold
    with pytest.raises(Exception, match="overflow"):
        agree.add_all(workspace, [*good, broken], "x", "list")
    assert not AuditEntry.objects.exists() and not agree.agreed(workspace).exists()


def test_a_price_that_ended_yesterday_may_be_agreed_on_for_the_past(workspace):
    now = datetime(2026, 11, 18, tzinfo=UTC)
    past = Agreement("", "m", (Component("input", Decimal(1)),), start=now - timedelta(9), end=now - timedelta(1))
    assert agree.add_all(workspace, [past], "x", "list") == 1
    assert agree.holds(workspace, past)
