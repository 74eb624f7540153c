"""Failed requests of a run: a client that does not give up, and clients that cope."""

from random import Random

from costwatch.loops.detect import judge
from costwatch.loops.state import Call, Settings
from tests.loops.calls import ROOMY
from tests.loops.cases.kinds import Kind, Neighbour


class Script:
    """Calls of a run, one after the other."""

    def __init__(self, dice: Random) -> None:
        self.dice, self.at, self.calls = dice, 1_000_000.0, list[Call]()
        self.tells_latency = dice.random() < 0.5

    def send(self, failed: bool, *, agent: str = "bot", wait: float = 1.0, lasts: float = 0.0) -> None:
        """One request, `wait` seconds after the last one ended."""
        self.at += wait
        number = len(self.calls)
        self.calls.append(
            Call(f"e{number}", "r", self.at, agent, "task", number, None, f"call {number}", f"result {number}",
                 input_tokens=1_000 + self.dice.randrange(4_000), output_tokens=self.dice.randrange(20, 300),
                 latency=lasts if self.tells_latency else None, failed=failed)
        )  # fmt: skip
        self.at += lasts

    def work(self, calls: int) -> None:
        """Requests that go well."""
        for _ in range(calls):
            self.send(False, wait=self.dice.uniform(0.5, 10), lasts=self.dice.uniform(0.5, 8))


def script(dice: Random) -> Script:
    begun = Script(dice)
    begun.work(dice.randrange(12))
    return begun


def tight(dice: Random) -> list[Call]:
    run = script(dice)
    for _ in range(dice.randrange(15, 80)):
        run.send(True, wait=dice.uniform(0.5, 2), lasts=dice.uniform(0.1, 2))
    return run.calls


def backing_off_for_ever(dice: Random) -> list[Call]:
    run = script(dice)
    for n in range(dice.randrange(12, 40)):
        run.send(True, wait=min(30.0, 2.0**n) * dice.uniform(0.5, 1), lasts=dice.uniform(0.1, 60))
    return run.calls


def beside_a_busy_agent(dice: Random) -> list[Call]:
    run = script(dice)
    for _ in range(dice.randrange(15, 60)):
        run.send(True, wait=dice.uniform(1, 3), agent="broken", lasts=0.3)
        if dice.random() < 0.5:
            run.work(1)
    return run.calls


def with_a_rare_success(dice: Random) -> list[Call]:
    run = script(dice)
    every = dice.randrange(8, 16)
    for n in range(dice.randrange(40, 120)):
        run.send(n % every != every - 1, wait=dice.uniform(0.5, 5), lasts=dice.uniform(0.1, 3))
    return run.calls


def backing_off(dice: Random) -> list[Call]:
    run = script(dice)
    for _ in range(dice.randrange(1, 8)):
        for n in range(dice.randrange(3, 8)):
            run.send(True, wait=2.0**n * dice.uniform(0.5, 1), lasts=dice.uniform(0.1, 5))
        run.work(dice.randrange(5, 20))
    return run.calls


def fanning_out(dice: Random) -> list[Call]:
    """All requests of a fan-out are refused at once, and go well when they are sent again."""
    run = script(dice)
    for _ in range(dice.randrange(1, 4)):
        for _ in range(dice.randrange(12, 40)):
            run.send(True, wait=dice.uniform(0, 0.02))
        run.at += dice.uniform(1, 30)
        run.work(dice.randrange(12, 40))
    return run.calls


def falling_back(dice: Random) -> list[Call]:
    run = script(dice)
    for _ in range(dice.randrange(20, 80)):
        for _ in range(dice.randrange(1, 4)):
            run.send(True, wait=0.1, lasts=dice.uniform(0.1, 3))
        run.work(1)
    return run.calls


def flaky(dice: Random) -> list[Call]:
    run = script(dice)
    share = dice.uniform(0.05, 0.4)
    for _ in range(dice.randrange(100, 400)):
        run.send(dice.random() < share, wait=dice.uniform(0.5, 5), lasts=dice.uniform(0.1, 5))
    return run.calls


def throttled(dice: Random) -> list[Call]:
    """A list at the provider's rate: each item is refused up to four times before it goes through."""
    run = script(dice)
    for _ in range(dice.randrange(50, 150)):
        for _ in range(dice.randrange(5)):
            run.send(True, wait=dice.uniform(0.5, 4), lasts=0.1)
        run.work(1)
    return run.calls


def named(calls: list[Call]) -> bool:
    return any(one.rule == "retries" for one in judge(calls, ROOMY, Settings())[1])


RETRIES = Neighbour("retries", named, [
    Kind("a client that sends again at once", True, tight),
    Kind("one that waits longer and longer and never gives up", True, backing_off_for_ever),
    Kind("one agent's requests, while another one's go well", True, beside_a_busy_agent),
    Kind("a rare success in between", True, with_a_rare_success),
    Kind("three to seven failures, then it goes on", False, backing_off),
    Kind("a fan-out that is refused at once", False, fanning_out),
    Kind("a fallback to the next model", False, falling_back),
    Kind("5 to 40 % failures by chance", False, flaky),
    Kind("a list at the provider's rate limit", False, throttled),
])  # fmt: skip
