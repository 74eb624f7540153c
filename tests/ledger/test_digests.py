"""The digest of an attribution is stored: it must be the same in every version of the product."""

from uuid import UUID

from costwatch.ledger.entry import Labels
from costwatch.ledger.labels import KINDS, _digest

FULL = Labels(
    "openai", "gpt-4o", "chat", "triage", "answer", "production", "v2", (("team", "support"), ("plan", "pro"))
)
BARE = Labels("openai", "gpt-4o", "chat", None, None, None, None)


def test_digests_are_those_of_the_first_version():
    assert _digest((3, 7, FULL)) == UUID("058c4158-97b0-6805-2700-8a46a2b0af35")
    assert _digest((3, 0, BARE)) == UUID("06e4a827-59e8-8077-3136-d7cea1bc9443")


def test_tags_in_another_order_are_the_same_attribution():
    assert _digest((3, 7, FULL._replace(tags=FULL.tags[::-1]))) == _digest((3, 7, FULL))


def test_whatever_differs_is_another_attribution():
    others = [FULL._replace(**{field: "other"}) for field in Labels._fields[:7]]
    others += [FULL._replace(tags=()), FULL._replace(tags=(("team", "sales"), ("plan", "pro")))]
    assert len({_digest((3, key, labels)) for key in (0, 7) for labels in (FULL, BARE, *others)}) == 22


def test_the_labels_stand_in_the_order_of_their_kinds():
    names = [field.removesuffix("_id") for field in Labels._fields[:7]]
    assert names == [kind.name.lower() for kind in KINDS]
