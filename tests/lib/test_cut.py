"""Titles are cut so that both their ends stay."""

import pytest

from costwatch.lib.cut import both_ends


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("Support: 80 % of $60.00 spent", 29, "Support: 80 % of $60.00 spent"),
        ("Support of the north: 80 % of $60.00 spent", 36, "Support of the no…% of $60.00 spent"),
        ("a" * 300, 255, "a" * 127 + "…" + "a" * 127),
        ("one two three", 8, "one…hree"),
    ],
)
def test_the_end_of_a_title_outlives_its_middle(text, most, shown):
    assert both_ends(text, most) == shown
    assert len(shown) <= most
