"""No address brings a page down: what cannot be understood is refused in words, what is not known is as usual."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from costwatch.spend.dimensions import is_dimension
from tests.dashboards.oracle import books, usage
from tests.dashboards.page import text

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]

PAGES = ("/", "/overview", "/explore", "/variance")
FILES = ("/overview.csv", "/explore.csv", "/explore.ndjson", "/explore.parquet", "/variance.csv")
ALL = (*PAGES, *FILES)
HOSTILE = [
    "",
    "\n",
    '"',
    "ü",
    "a b",
    "../..",
    "%",
    "\u202e",
    "<b>",
    "=1+1",
    "'; DROP TABLE x; --",
    "\\",
    "🙂",
    "\r\nX-Evil: 1",
]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker):
    with books(django_db_blocker, *usage(1, 60)) as workspace:
        yield workspace


@pytest.mark.parametrize("address", ALL)
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("period=fortnight", "period must be one of today, 7d, month, 30d."),
        ("first=2026-11-31", "first must be a day such as 2026-11-18, from 1990 to 2099."),
        ("last=31.10.2026", "last must be a day such as 2026-11-18, from 1990 to 2099."),
        ("first=1989-12-31", "first must be a day such as 2026-11-18, from 1990 to 2099."),
        ("last=2100-01-01", "last must be a day such as 2026-11-18, from 1990 to 2099."),
        ("period=7d&on=soon", "on must be a day such as 2026-11-18, from 1990 to 2099."),
        ("first=2026-11-02&last=2026-11-01", "The last day must not come before the first"),
        ("first=2010-01-01&last=2026-11-01", "at most ten years can be shown at once."),
        ("agent=%00", "NUL and broken characters cannot be part of a name."),
        ("tag.customer!=%00", "NUL and broken characters cannot be part of a name."),
        ("agent%00=a", "NUL and broken characters cannot be part of a name."),
    ],
)
def test_what_cannot_be_understood_is_a_400_that_says_what_to_change(viewer, address, query, sentence):
    response = viewer.get(f"{address}?{query}")
    assert response.status_code == 400
    assert sentence in text(response.content.decode())


@pytest.mark.parametrize("address", ["/explore", "/explore.csv", "/variance", "/variance.csv"])
@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        ("cfirst=2026-10-02&clast=2026-10-01", "The last day must not come before the first"),
        ("cfirst=2010-01-01&clast=2026-10-01", "at most ten years"),
        ("clast=tomorrow", "must be a day such as 2026-11-18"),
    ],
)
def test_days_to_compare_with_that_make_no_sense_are_refused(viewer, address, days, sentence):
    response = viewer.get(f"{address}?against=custom&{days}")
    assert response.status_code == 400
    assert sentence in text(response.content.decode())


@pytest.mark.parametrize("page", ["0", "-1", "101", "x", "1.5", "٣", "1&page=2"])
def test_a_page_of_rows_is_a_number_from_1_to_100(viewer, page):
    response = viewer.get(f"/explore?page={page}")
    assert response.status_code == 400
    assert "page " in text(response.content.decode())


@pytest.mark.parametrize("address", ALL)
def test_unknown_words_are_as_usual(viewer, address):
    odd = "by=nonsense&sort=nonsense&rows=none&metric=joy&across=nonsense&bucket=fortnight&against=nothing&utm_source=x"
    usual, asked = viewer.get(address), viewer.get(f"{address}?{odd}")
    assert asked.status_code == 200
    if address.endswith(".csv"):
        assert asked.content == usual.content


@pytest.mark.parametrize("name", ["by", "across", "pick"])
@pytest.mark.parametrize("value", ["tag.", "tag.%00", "tag." + "x" * 65, "Agent", "tag", "agent ", "%00"])
def test_what_no_dimension_is_called_is_none(viewer, name, value):
    for address in ALL:
        assert viewer.get(f"{address}?{name}={value}").status_code == 200, address


@pytest.mark.parametrize("name", ["tag.a\0", "tag.\ud800", "tag.", "tag." + "x" * 65, "cost"])
def test_a_dimension_is_a_name_that_the_books_can_hold(name):
    assert not is_dimension(name)
    assert is_dimension("tag." + "x" * 64)


@pytest.mark.parametrize("tag", HOSTILE[1:])
def test_any_tag_may_be_grouped_by_on_pages_and_in_files(viewer, tag):
    for address in ALL:
        response = viewer.get(f"{address}?by={quote(f'tag.{tag}')}")
        assert response.status_code == 200, address
        told = response.headers.get("Content-Disposition", 'attachment; filename="x"')
        assert told.startswith('attachment; filename="') and told.count('"') == 2 and told.isascii(), told


def test_a_tag_without_a_letter_still_names_its_file(viewer):
    told = viewer.get("/overview.csv?by=tag.%22%22")["Content-Disposition"]
    assert told == 'attachment; filename="spend-by-tag-2026-11-01-2026-11-18.csv"'
    told = viewer.get("/overview.csv?by=tag.prompt_version")["Content-Disposition"]
    assert told == 'attachment; filename="spend-by-prompt_version-2026-11-01-2026-11-18.csv"'


def test_the_page_that_waits_for_the_first_event_refuses_what_it_cannot_understand(viewer):
    response = viewer.get("/welcome?period=fortnight", headers={"HX-Request": "true"})
    assert response.status_code == 400
    assert viewer.get("/welcome", headers={"HX-Request": "true"}).status_code == 200


PARAMETERS = [
    "period", "on", "first", "last", "by", "sort", "rows", "metric", "across", "bucket", "against", "cfirst", "clast",
    "page", "pick", "op", "value", "among", "agent", "agent!", "user", "run", "session", "key", "model!",
    "tag.customer", "tag.customer!", "agent_id", "from", "to", "tz",
]  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["today", "7d", "month", "30d", "2026-11-01", "2026-02-28", "2020-01-01", "1990-01-01", "2099-12-31", "agent",
         "user", "run", "key", "session", "tag.customer", "none", "all", "-total", "time", "of.", "rest", "-change",
         "15m", "hour", "week", "custom", "previous", "weeks", "cost_per_session", "cached_share", "calls", "not", "2",
         "triage", "Orbit", *HOSTILE]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ALL), st.lists(st.tuples(st.sampled_from(PARAMETERS), VALUES), max_size=6))
@example("/explore", [("metric", "cost_per_session"), ("across", "user"), ("by", "none"), ("bucket", "15m")])
@example("/explore.csv", [("by", "none"), ("sort", "of."), ("page", "2"), ("against", "custom")])
@example("/variance", [("by", "none"), ("against", "custom"), ("cfirst", "1990-01-01")])
@example("/", [("first", "2099-12-31"), ("by", "run"), ("rows", "all")])
@example("/", [("period", "7d"), ("on", "1990-01-01")])
def test_no_address_at_all_brings_a_page_down(viewer, address, pairs):
    assert viewer.get(f"{address}?{urlencode(pairs)}").status_code in (200, 302, 400)


@pytest.mark.parametrize("address", ["/agents/triage.csv", "/profile.csv?by=agent&agent=triage"])
@pytest.mark.parametrize("query", ["period=fortnight", "first=2026-11-31", "model=%00"])
def test_the_file_of_a_profile_refuses_what_its_page_refuses(viewer, address, query):
    page = address.replace(".csv", "")
    joined = "&" if "?" in address else "?"
    assert viewer.get(f"{page}{joined}{query}").status_code == 400
    assert viewer.get(f"{address}{joined}{query}").status_code == 400
