"""A name that is cut has its full text on hover, wherever a page cuts one."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template

TEMPLATES = Path(__file__).parents[2] / "templates"
CUT = re.compile(r"\{\{ [^{}]*\|truncatechars:\d+ \}\}")


def test_a_long_name_is_cut_and_told_in_full_and_a_short_one_is_left_alone():
    shown = Template("{% load display %}{{ name|short:8 }}")
    assert shown.render(Context({"name": 'a "quoted" <b>'})) == (
        '<span title="a &quot;quoted&quot; &lt;b&gt;">a &quot;quot…</span>'
    )
    assert shown.render(Context({"name": "<b>"})) == "&lt;b&gt;"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_where_a_template_cuts_a_name_the_element_has_a_title(path):
    html = path.read_text()
    for cut in CUT.finditer(html):
        before = html[: cut.start()]
        opened = re.findall(r"<[a-zA-Z][^<>]*>?", before)
        last = opened[-1] if opened else ""
        in_title = before.rfind("{% block title %}") > before.rfind("{% endblock") or last.startswith("<title")
        no_room = re.match(r"<(option|text|rect|svg)", last)  # these can hold no other element
        in_attribute = before.rfind("<") > before.rfind(">")
        assert in_title or no_room or in_attribute or "title=" in last, (
            f"{path.name}: {cut[0]} — write |short:… instead"
        )
