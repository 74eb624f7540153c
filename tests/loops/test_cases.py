"""A loop's neighbours on made cases with labels: the figures are those that docs/loops.md prints."""

from pathlib import Path

import pytest

from tests.loops.cases.__main__ import ALL
from tests.loops.cases.kinds import CASES, Kind, Neighbour, rows

pytestmark = pytest.mark.thorough

DOCS = (Path(__file__).parent.parent.parent / "docs" / "loops.md").read_text()
LEAST_FOUND, MOST_FALSE = 0.95, 0.02


@pytest.fixture(scope="module", params=ALL, ids=lambda neighbour: neighbour.name)
def counted(request: pytest.FixtureRequest):
    """(a neighbour, how many of its cases are named by kind)."""
    return request.param, request.param.counts()


def share(counted: tuple[Neighbour, dict[str, int]], *, trouble: bool) -> float:
    neighbour, counts = counted
    named = [counts[kind.words] for kind in neighbour.kinds if kind.trouble is trouble]
    return sum(named) / (CASES * len(named))


def test_trouble_is_found(counted):
    assert share(counted, trouble=True) >= LEAST_FOUND


def test_what_only_looks_like_it_is_left_alone(counted):
    assert share(counted, trouble=False) <= MOST_FALSE


def test_the_figures_in_the_docs_are_these(counted):
    for row in rows(*counted):
        assert row in DOCS


def test_each_neighbour_has_near_misses_of_several_kinds(counted):
    kinds = counted[0].kinds
    assert len({kind.words for kind in kinds}) == len(kinds)
    assert sum(kind.trouble for kind in kinds) >= 3
    assert sum(not kind.trouble for kind in kinds) >= 5


def test_a_rule_that_names_everything_or_nothing_would_not_do():
    kinds = [Kind("t", True, lambda dice: None), Kind("f", False, lambda dice: None)]
    for named, told in ((True, "60/60 = 100.0%"), (False, "0/60 = 0.0%")):
        one = Neighbour("x", lambda case, named=named: named, kinds)
        assert all(told in row for row in rows(one, one.counts()))
