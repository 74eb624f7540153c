"""How the context of a run grows, call by call: what was sent again, and what was new. Drawn by the server. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from costwatch.dashboards import display
from costwatch.dashboards.run_calls import Call

MOST_BARS = 100
HEIGHT = 60


@dataclass(frozen=True)
class Growth:
    """Two paths in a picture `width` by 60: input that was sent before, and on top of it what was new."""

    width: int
    again: str
    new: str
    largest: int
    sentence: str


def growth(calls: Sequence[Call]) -> Growth | None:
    """The picture of some calls; None for fewer than two with input. Of many, the largest of several is one bar."""
    sized = [call for call in calls if call.input_tokens]
    if len(sized) < 2:
        return None
    together = -(-len(sized) // MOST_BARS)
    bars = [max(sized[n : n + together], key=lambda call: call.context) for n in range(0, len(sized), together)]
    again, new = [], []
    for place, call in enumerate(bars):
        whole, old = HEIGHT * float(call.context), HEIGHT * float(call.again_context)
        again.append(_bar(place, HEIGHT, old))
        new.append(_bar(place, HEIGHT - old, whole - old))
    largest = max(call.input_tokens or 0 for call in sized)
    resent = display.tokens(sum(call.again for call in sized))
    said = (
        f"Input tokens of {len(sized):,} calls, from {display.tokens(sized[0].input_tokens)} to at most "
        f"{display.tokens(largest)}; at most {resent} of all were sent again."
    )
    return Growth(len(bars), "".join(again), "".join(new), largest, said)


def _bar(place: int, foot: float, height: float) -> str:
    return f"M{place} {foot:.1f}h.84v{-height:.1f}h-.84z" if height >= 0.05 else ""
