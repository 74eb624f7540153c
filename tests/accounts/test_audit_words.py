"""Every action that the code records in the audit log has words, and each of the words is of an action."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

from costwatch.accounts import audit
from costwatch.accounts.actions import WORDS
from costwatch.alerts import incidents

ROOT = Path(__file__).resolve().parents[2]
FROM_ADDRESSES = {
    "f'incident.{action}'": [f"incident.{action}" for action in (*incidents.ACTIONS, "note", "owner")],
    "f'channel.{action}d'": ["channel.enabled", "channel.disabled"],
}
"""Actions that are put together of a part of the page's address, by how that is written."""
PLACES = {"audit.record": 2, "audit.record_for": 1}
"""Where among its arguments each function takes the action."""


class Module:
    """A file of the product, in which the values are looked up that an action can have."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = path, ast.parse(path.read_text())

    @cached_property
    def _calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    @cached_property
    def _functions(self) -> list[ast.FunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)]

    def recorded(self) -> Iterator[str]:
        """Every action that this file records."""
        for call in self._calls:
            place = PLACES.get(ast.unparse(call.func))
            if place is not None:
                yield from self._values(call.args[place])

    def _values(self, expression: ast.expr) -> Iterator[str]:
        if isinstance(expression, ast.Constant):
            yield expression.value
        elif isinstance(expression, ast.IfExp):
            yield from self._values(expression.body)
            yield from self._values(expression.orelse)
        elif isinstance(expression, ast.JoinedStr):
            yield from FROM_ADDRESSES[ast.unparse(expression)]
        else:
            assert isinstance(expression, ast.Name), f"{self.path}: what can {ast.unparse(expression)} be?"
            origins = [*self._assigned(expression), *self._passed(expression)]
            assert origins, f"{self.path}: where does {expression.id} come from?"
            for origin in origins:
                yield from self._values(origin)

    def _assigned(self, name: ast.Name) -> Iterator[ast.expr]:
        """What the name is set to, in the function that it is used in or for the whole file."""
        around = self._around(name)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and self._around(node) in (around, None):
                yield from _set_to(node.targets[0], node.value, name.id)

    def _passed(self, name: ast.Name) -> Iterator[ast.expr]:
        """What the function is called with, where the name is one of its parameters."""
        function = self._around(name)
        parameters = [one.arg for one in function.args.args] if function else []
        if function and name.id in parameters:
            place = parameters.index(name.id)
            yield from (call.args[place] for call in self._calls if ast.unparse(call.func) == function.name)

    def _around(self, node: ast.AST) -> ast.FunctionDef | None:
        return next((one for one in self._functions if any(inner is node for inner in ast.walk(one))), None)


def _set_to(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from _set_to(one, other, name)


@pytest.fixture(scope="module")
def recorded() -> set[str]:
    files = [path for folder in ("costwatch", "ingest") for path in (ROOT / folder).rglob("*.py")]
    return {action for path in files for action in Module(path).recorded()}


def test_every_action_that_is_recorded_has_words(recorded):
    assert recorded - WORDS.keys() == set()


def test_no_words_are_kept_of_an_action_that_nobody_records(recorded):
    assert WORDS.keys() - recorded == set()


@pytest.mark.parametrize(
    ("named", "action"),
    [
        ("where it is recorded", "budget.changed"),
        ("as one of two", "digest.subscribed"),
        ("in a variable", "member.password_reset"),
        ("by a constant", "export.made"),
        ("to a function that records", "channel.rotated"),
        ("as one of two, to a function that hands it on", "view.unshared"),
        ("by a part of an address", "incident.snooze"),
    ],
)
def test_actions_are_found_however_they_are_named(recorded, named, action):
    assert action in recorded, named


def test_the_words_go_on_from_who_did_it():
    for words in WORDS.values():
        assert words[0].islower() and words[-1].isalpha() and words == words.strip()
    assert len(set(WORDS.values())) == len(WORDS), "each is told from every other"


@pytest.mark.django_db
def test_the_page_says_what_was_done_and_keeps_the_name_of_the_action(as_member, admin):
    audit.record(admin.workspace, admin, "key.revoked", "robot", {})
    audit.record(admin.workspace, admin, "one.of_old", "something", {})
    page = as_member(admin).get("/settings/audit").content.decode()
    assert 'revoked an API key<br><code class="muted">key.revoked</code>' in page
    assert '<td class="when"><code class="muted">one.of_old</code></td>' in page
