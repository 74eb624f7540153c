"""A kind of case, and how often its cases are named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from costwatch.loops.figures import wilson

FIRST_SEED, CASES = 1_000, 60


@dataclass(frozen=True)
class Kind:
    """Cases that differ by their dice alone; `trouble`: they should be named."""

    words: str
    trouble: bool
    make: Callable[[Random], Any]


@dataclass(frozen=True)
class Neighbour:
    """A pattern, its kinds of cases, and whether the product names one."""

    name: str
    named: Callable[[Any], bool]
    kinds: Sequence[Kind]

    def counts(self, first: int = FIRST_SEED, cases: int = CASES) -> dict[str, int]:
        """How many of its cases are named, by kind."""
        return {kind.words: sum(self._named(kind, first + n) for n in range(cases)) for kind in self.kinds}

    def _named(self, kind: Kind, seed: int) -> bool:
        return self.named(kind.make(Random(f"{self.name} {kind.words} {seed}")))


def rows(neighbour: Neighbour, counts: dict[str, int], cases: int = CASES) -> Iterator[str]:
    """The neighbour's rows of the table in docs/loops.md."""
    for trouble, words in ((True, "found"), (False, "falsely named")):
        kinds = [kind for kind in neighbour.kinds if kind.trouble is trouble]
        hits, of = sum(counts[kind.words] for kind in kinds), cases * len(kinds)
        low, high = wilson(hits, of)
        wrong = [kind for kind in kinds if (counts[kind.words] < cases if trouble else counts[kind.words])]
        worst = "; ".join(f"{kind.words} {counts[kind.words]}/{cases}" for kind in wrong)
        yield f"| `{neighbour.name}` {words} | {hits}/{of} = {hits / of:.1%} ({low:.1%}-{high:.1%}) | {worst or '-'} |"
