"""Sessions of two and more agents, each turn a run of its own."""

from decimal import Decimal
from random import Random

from costwatch.loops.pingpong import Turn, judge, turns
from tests.loops.cases.kinds import Kind, Neighbour


class Session:
    """Turns, one after the other."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.turns = dice, list[Turn]()
        self.told = True

    def say(self, agent: str, words: str | None, tokens: int | None = None) -> None:
        """`words`: None for new ones."""
        number = len(self.turns)
        said = f"new {number}" if words is None else words
        size = tokens or (self.dice.randrange(20, 600) if words is None else 10 + sum(words.encode()) % 80)
        self.turns.append(
            Turn(agent, f"r{number}", 1_000.0 + 20 * number, said if self.told else None, size, Decimal("0.01"),
                 f"e{number}")
        )  # fmt: skip

    def work(self, pairs: int) -> None:
        for _ in range(pairs):
            self.say("a", None)
            self.say("b", None)


def session(dice: Random, told: bool = True) -> Session:
    begun = Session(dice)
    begun.told = told
    begun.work(dice.randrange(6))
    return begun


def to_and_fro(made: Session, times: int) -> Session:
    """Two sentences, again and again."""
    for _ in range(times):
        made.say("a", "please take over")
        made.say("b", "that is not mine")
    return made


def verbatim(dice: Random) -> Session:
    return to_and_fro(session(dice), dice.randrange(6, 30))


def in_three_phrases(dice: Random) -> Session:
    """Each has a few phrases of its own and uses them in turn or by chance."""
    made = session(dice)
    for _ in range(dice.randrange(10, 30)):
        made.say("a", f"a {dice.randrange(dice.choice([2, 3]))}")
        made.say("b", f"b {dice.randrange(dice.choice([2, 3]))}")
    return made


def with_new_words_now_and_then(dice: Random) -> Session:
    made = session(dice)
    for _ in range(dice.randrange(14, 40)):
        made.say("a", None if dice.random() < 0.25 else "please take over")
        made.say("b", None if dice.random() < 0.25 else "that is not mine")
    return made


def by_sizes_alone(dice: Random) -> Session:
    return to_and_fro(session(dice, told=False), dice.randrange(12, 30))


def pair_programming(dice: Random) -> Session:
    """Now and then the same words ("tests pass"), but new results go with them."""
    made = session(dice)
    for _ in range(dice.randrange(10, 60)):
        made.say("coder", "done" if dice.random() < 0.2 else None)
        made.say("tester", "tests pass" if dice.random() < 0.3 else None)
    return made


def a_reviewer_with_one_sentence(dice: Random) -> Session:
    made = session(dice)
    for _ in range(dice.randrange(10, 80)):
        made.say("coder", None)
        made.say("reviewer", "looks good, go on")
    return made


def a_list_of_yes_and_no(dice: Random) -> Session:
    """New questions, answered with one of two words."""
    made = session(dice)
    for _ in range(dice.randrange(10, 80)):
        made.say("asker", None)
        made.say("judge", dice.choice(["yes", "no"]))
    return made


def short_agreement(dice: Random) -> Session:
    """Two closing words each, said twice."""
    made = session(dice)
    for words in ("thank you", "goodbye") * 2:
        made.say("a", words)
        made.say("b", words)
    made.work(dice.randrange(4))
    return made


def an_orchestrator(dice: Random) -> Session:
    made = session(dice)
    for _ in range(dice.randrange(10, 60)):
        made.say("boss", "next")
        made.say(dice.choice(["worker 1", "worker 2"]), None)
    return made


def alike_in_size(dice: Random) -> Session:
    """No fingerprints, templated prompts of 40 to 60 tokens, labels of one to three."""
    made = session(dice, told=False)
    for _ in range(dice.randrange(10, 60)):
        made.say("asker", None, dice.randrange(40, 60))
        made.say("labels", None, dice.randrange(1, 4))
    return made


def of_any_size(dice: Random) -> Session:
    made = session(dice, told=False)
    made.work(dice.randrange(10, 80))
    return made


def named(case: Session) -> bool:
    return judge(turns(case.turns)) is not None


PINGPONG = Neighbour("pingpong", named, [
    Kind("a hand-off to and fro in the same words", True, verbatim),
    Kind("two or three phrases each", True, in_three_phrases),
    Kind("every fourth turn in new words", True, with_new_words_now_and_then),
    Kind("without fingerprints", True, by_sizes_alone),
    Kind("pair programming with new results", False, pair_programming),
    Kind("a reviewer with one sentence for ever new code", False, a_reviewer_with_one_sentence),
    Kind("new questions, answered yes or no", False, a_list_of_yes_and_no),
    Kind("thanks and goodbyes, said twice", False, short_agreement),
    Kind("an orchestrator that says \"next\"", False, an_orchestrator),
    Kind("without fingerprints, prompts and labels alike in size", False, alike_in_size),
    Kind("without fingerprints, answers of any size", False, of_any_size),
])  # fmt: skip
