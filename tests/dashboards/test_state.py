"""All of a page's state is in its address, and reads back as the same state."""

from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.state import State, plural, title

NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
WORKSPACE = SimpleNamespace(time_zone="Europe/Berlin", week_start=1, lane=1)


def state(query: str = "", **options) -> State:
    return State.from_query(QueryDict(query), WORKSPACE, NOW, **options)


names = st.sampled_from(["agent", "model", "task", "user", "tag.customer", "tag.a b"])
values = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
conditions = st.dictionaries(names, st.lists(values, min_size=1, max_size=3, unique=True).map(tuple), max_size=3)


@given(conditions, conditions, st.sampled_from(["agent", "run", "tag.customer"]), st.sampled_from(["-cost", "name"]))
def test_any_state_reads_back_from_its_address(include, exclude, by, sort):
    made = State(state().range, include, exclude, by, sort, all_rows=True)
    assert state(urlsplit(made.url()).query) == made


def test_the_plain_page_has_a_plain_address():
    assert state().url() == "/"
    assert state("by=agent&sort=-cost&period=month&unknown=1").url() == "/"


def test_a_drill_adds_the_condition_and_groups_by_what_lies_below():
    assert state().drill("triage") == "/?agent=triage&by=task"
    assert state("agent=triage&by=task&sort=name&rows=all").drill("route") == "/?agent=triage&task=route&by=user"
    assert state("by=user").drill("u 1/2&3") == "/?user=u+1%2F2%263&by=run"
    assert state("by=run").drill("r-1") == "/runs/r-1"
    assert state("by=run").drill("") == "/?run="
    assert state("by=model").drill("gpt") == "/?model=gpt"


def test_a_drill_skips_what_is_fixed_already():
    assert state("task=route&by=agent").drill("triage") == "/?task=route&agent=triage&by=user"
    assert state("agent=a&by=model").drill("gpt") == "/?agent=a&model=gpt&by=task"


def test_where_everything_on_the_way_is_fixed_a_drill_ends_at_the_runs():
    assert state("task=t&user=u&by=agent").drill("a") == "/?task=t&user=u&agent=a&by=run"
    assert state("task=t&user=u&run=r&by=agent").drill("a") == "/?task=t&user=u&run=r&agent=a&by=run"
    assert state("task=t&task=s&by=agent").drill("a") == "/?task=t&task=s&agent=a&by=task", "two tasks are not one"


def test_is_replaces_and_is_not_collects():
    here = state("agent=a&agent=b&agent!=c")
    assert here.url(**here.narrowed("agent", "d")) == "/?agent=d"
    assert here.url(**here.narrowed("agent", "d", excluded=True)) == "/?agent=a&agent=b&agent%21=c&agent%21=d"
    assert here.url(**here.narrowed("agent", "c", excluded=True)) == here.url()


def test_each_chip_knows_the_address_without_it():
    chips = state("agent=a&agent=b&user=u&task!=&task!=x").chips()
    assert [(chip.words, chip.value, chip.without) for chip in chips] == [
        ("agent is one of", "a, b", "/?user=u&task%21=&task%21=x"),
        ("user is", "u", "/?agent=a&agent=b&task%21=&task%21=x"),
        ("task is not", "Not attributed", "/?agent=a&agent=b&user=u&task%21=x"),
        ("task is not", "x", "/?agent=a&agent=b&user=u&task%21="),
    ]


def test_sorting_turns_round_on_the_second_click():
    assert state().sorted_by("calls") == "/?sort=-calls"
    assert state("sort=-calls").sorted_by("calls") == "/?sort=calls"
    assert state().sorted_by("cost") == "/?sort=cost"
    assert state().sorted_by("name") == "/?sort=name"
    assert state("sort=name").sorted_by("name") == "/?sort=-name"


def test_a_page_keeps_its_own_path_and_orders():
    runs = state("agent=a&sort=started", path="/runs", sorts=("cost", "started"))
    assert runs.url() == "/runs?agent=a&sort=started"
    assert state("sort=started").sort == "-cost"


@pytest.mark.parametrize(
    ("name", "one", "many"),
    [("agent", "Agent", "Agents"), ("key", "API key", "API keys"), ("tag.customer", "Customer", "Customers"),
     ("tag.category", "Category", "Categories"), ("tag.prompt_version", "Prompt version", "Prompt versions"),
     ("tag.x!", "X!", "X!")],
)  # fmt: skip
def test_dimensions_have_words(name, one, many):
    assert (title(name), plural(name)) == (one, many)
