"""Runs whose context grows, after some usual ones of their agent: without use, or as it always does."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from costwatch.loops.state import Call, Level, Settings
from costwatch.loops.stream import Stream
from tests.loops.cases.kinds import Kind, Neighbour

USUAL_RUNS = 35
HOUR = 3_600.0


@dataclass(frozen=True)
class Shape:
    """How a run reads: calls, tokens at the beginning, tokens more with each call, its trims and its price."""

    calls: int
    begin: int
    more: int
    trim: int = 10**9
    """A context of so many tokens is summed up to what it began with."""
    cached: float = 0.0
    """Share of the context that the provider's cache takes at a tenth of the price."""
    price: str = "0.000003"
    side_calls: float = 0.0
    """Share of small calls beside the conversation: a title, a class."""
    agents: int = 1


def run(dice: Random, name: str, start: float, shape: Shape) -> list[Call]:
    made = list[Call]()
    context = float(shape.begin)
    for n in range(shape.calls):
        side = dice.random() < shape.side_calls
        tokens = dice.randrange(200, 600) if side else int(context)
        output = dice.randrange(20, 400)
        paid = Decimal(tokens) * (1 - Decimal(str(shape.cached)) * Decimal("0.9")) + 5 * output
        made.append(Call(f"{name}.{n}", name, start + 4.0 * n, f"agent {n % shape.agents}", "task", n, None,
                         f"{name} call {n}", f"{name} result {n}", input_tokens=tokens, output_tokens=output,
                         cost=paid * Decimal(shape.price)))  # fmt: skip
        context = context + shape.more * dice.uniform(0.3, 1.7) if context < shape.trim else float(shape.begin)
    return made


def usual(dice: Random) -> Shape:
    return Shape(dice.randint(4, 12), 2_000, 900)


def after(dice: Random, runs: int, of: Shape | None, last: Shape) -> list[list[Call]]:
    """Runs an hour apart, of that shape (None: short ones), more or less; and the one in question."""
    made = []
    for n in range(runs):
        shape = of or usual(dice)
        calls = max(2, int(shape.calls * dice.uniform(0.6, 1.3)))
        made.append(run(dice, f"u{n}", HOUR * n, Shape(calls, *list(vars(shape).values())[1:])))
    return [*made, run(dice, "last", HOUR * (runs + 1), last)]


def never_ending(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(120, 300), 2_000, dice.randint(600, 2_000)))


def large_results(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(35, 70), 3_000, dice.randint(6_000, 15_000)))


def with_side_calls(dice: Random) -> list[list[Call]]:
    last = Shape(dice.randint(120, 250), 2_000, dice.randint(1_200, 3_000), side_calls=dice.uniform(0.03, 0.15))
    return after(dice, USUAL_RUNS, None, last)


def half_cached(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(120, 250), 2_000, dice.randint(1_500, 3_000), cached=0.5))


def of_a_new_task(dice: Random) -> list[list[Call]]:
    return after(dice, 0, None, Shape(dice.randint(100, 200), 2_000, dice.randint(1_500, 4_000)))


def as_it_always_does(dice: Random) -> list[list[Call]]:
    """A coding agent: each of its runs grows to 60,000 tokens and more, and works with them."""
    shape = Shape(dice.randint(30, 60), 4_000, dice.randint(1_200, 2_500))
    return after(dice, USUAL_RUNS, shape, shape)


def half_as_long_again(dice: Random) -> list[list[Call]]:
    shape = Shape(dice.randint(25, 40), 3_000, dice.randint(1_200, 2_500))
    longer = Shape(int(shape.calls * 1.5), shape.begin, shape.more)
    return after(dice, USUAL_RUNS, shape, longer)


def summed_up(dice: Random) -> list[list[Call]]:
    more = dice.randint(800, 2_000)
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(80, 200), 3_000, more, trim=dice.randint(15_000, 30_000)))


def cached(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(40, 70), 2_000, dice.randint(600, 1_200), cached=0.95))


def a_large_document(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(30, 80), dice.randint(30_000, 60_000), 500))


def of_a_cheap_model(dice: Random) -> list[list[Call]]:
    return after(dice, USUAL_RUNS, None, Shape(dice.randint(40, 80), 2_000, 1_500, price="0.0000001"))


def the_first_of_a_coding_agent(dice: Random) -> list[list[Call]]:
    shape = Shape(dice.randint(25, 45), 4_000, dice.randint(1_000, 2_000))
    return after(dice, 0, None, shape)


def named(runs: list[list[Call]]) -> bool:
    """The run in question is named, as growing or by the net: what counts is that somebody hears of it."""
    stream = Stream(Settings())
    found = [finding for calls in runs for call in calls for finding in stream.see(call)]
    return any(one.run_id == "last" and one.rule == "growth" and one.level >= Level.notice for one in found)


GROWTH = Neighbour("growth", named, [
    Kind("a conversation that never ends", True, never_ending),
    Kind("large results that are kept", True, large_results),
    Kind("small calls beside it", True, with_side_calls),
    Kind("half of it cached", True, half_cached),
    Kind("the first run of a task", True, of_a_new_task),
    Kind("an agent whose runs all grow", False, as_it_always_does),
    Kind("half as long again as usual", False, half_as_long_again),
    Kind("summed up when it is large", False, summed_up),
    Kind("nearly all of it cached", False, cached),
    Kind("a large document at the beginning", False, a_large_document),
    Kind("a cheap model", False, of_a_cheap_model),
    Kind("the first run of a coding agent", False, the_first_of_a_coding_agent),
])  # fmt: skip
