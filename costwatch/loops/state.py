"""What the detector reads (Call), remembers (RunState) and says (Finding). All of it can be stored with msgspec."""

from decimal import Decimal
from enum import IntEnum

import msgspec

NOTHING = Decimal(0)
WHOLE_RUN = ("calls", "dollars", "retries")
"""The rules about a run as a whole."""
PACE_GATE = 20
"""With the usual gate of 5 cents: a dollar an hour."""


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One model call of a run, as the ledger knows it. `at` is its start in Unix seconds."""

    event_id: str
    run_id: str
    at: float
    agent: str = ""
    task: str = ""
    step: int | None = None
    tool: str | None = None
    call_fingerprint: str | None = None
    input_fingerprint: str | None = None
    input_error: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal | None = None
    latency: float | None = None
    failed: bool = False
    batch: bool = False

    @property
    def place(self) -> tuple[float, int, str]:
        """Where the call stands in its run: by time, then step, then event id. A total order."""
        return self.at, -1 if self.step is None else self.step, self.event_id


class Level(IntEnum):
    """How sure and how dear: a notice stays on the pages, an alarm goes out, a critical one goes out loudly."""

    none = 0
    notice = 1
    alarm = 2
    critical = 3


class Settings(msgspec.Struct, frozen=True):
    """What a workspace may turn. The defaults are those measured in docs/loops.md."""

    score: float = 4.0
    """The repeat score that raises an alarm; a notice comes one point earlier."""
    errors: int = 5
    """Failures of one tool in a row that raise an alarm."""
    sizes: float = 6.0
    """The score of equal token counts that raises a suspicion where calls carry no fingerprints."""
    failures: int = 10
    """Failed requests, with hardly a success, that are called a retry storm (a notice)."""
    calls: int = 50
    """The normal limit of calls in a run while nothing is known about an agent and task."""
    dollars: Decimal = Decimal(5)
    """The same in dollars."""
    repeatable_tools: frozenset[str] = frozenset()
    """Tools that may be called again and again; their calls count for nothing but length and cost."""
    batch_tasks: frozenset[str] = frozenset()
    """Tasks whose runs go through lists; nothing is raised about them."""
    gate: Decimal = Decimal("0.05")
    """The money gate, in dollars spent on repeats (or in the run, where it is too long): messages only above it."""

    @classmethod
    def at(cls, sensitivity: str) -> "Settings":
        """The settings of a named sensitivity: low, normal or high. Raises KeyError for any other word."""
        return {
            "low": cls(score=6.0, errors=8, sizes=9.0, calls=75),
            "normal": cls(),
            "high": cls(score=3.0, errors=4, sizes=5.0, calls=40),
        }[sensitivity]

    def worth_a_message(self, dollars: Decimal, pace: Decimal) -> bool:
        """Whether a finding passes the money gate: spent so far, or an hour at this pace at twenty times the gate."""
        return dollars >= self.gate or pace >= self.gate * PACE_GATE


class Limits(msgspec.Struct, frozen=True, array_like=True):
    """What a run of this agent and task normally takes at most, fixed when the run begins."""

    calls: float = 50.0
    dollars: Decimal = Decimal(5)
    usual_calls: int | None = None
    usual_dollars: Decimal | None = None
    runs: int = 0
    """Finished runs of this agent and task behind the figures; 0: the visible defaults."""


class AgentState(msgspec.Struct, array_like=True):
    """What is remembered of one agent in one run; its size does not grow with the run."""

    score: float = 0.0
    slow: float = 0.0
    """Exact repeats, of calls and of words, that hardly leak away: weak evidence, for when the run is long as well."""
    changed: float = 0.0
    """How much of the score came from calls whose result changed; limited, for polling is no loop."""
    pairs: dict[str, tuple[float, int]] = {}
    """Situation and call -> end of the last such call, its number in the run."""
    results: dict[str, str] = {}
    """Call -> what came back last time."""
    call: str | None = None
    tool: str | None = None
    pending: float = 0.0
    """Credit the last call got for repeating; partly taken back when its result turns out to be new."""
    pending_cost: Decimal = NOTHING
    moved_on: bool = False
    """The call before the last turned out to have a new result, although it was a repeat."""
    new_reply: bool = False
    input_tokens: int = 0
    growing: int = 0
    """Calls in a row whose context did not shrink."""
    errors: int = 0
    error_tool: str | None = None
    sizes: list[tuple[int, int]] = []
    """The last (growth of the input, output) in tokens."""
    periods: list[float] = msgspec.field(default_factory=lambda: [0.0] * 4)
    unmoved: int = 0
    """Calls in a row with exactly the same context size."""
    busy_until: float = 0.0
    repeats: int = 0
    wasted: Decimal = NOTHING
    since_step: int | None = None
    since_at: float = 0.0
    since_number: int = 0
    tools: list[str] = []
    """The tools of the repeats, each once, the latest last."""
    level: Level = Level.none
    heard: int = 0
    """What the run had written when this agent was last called, in tokens (growth.py)."""
    context: int = 0
    """The context of the conversation in tokens, whether calls carry fingerprints or not (growth.py)."""
    grown_from: int = 0
    grown: int = 0
    """Calls since the context was last trimmed."""
    carried: int = 0
    """Tokens that these calls read although the call before had read them."""
    read: int = 0
    """All that they read and wrote, in tokens of input."""
    grown_dollars: Decimal = NOTHING
    growth: Level = Level.none
    failures: float = 0.0
    """Failed requests, halved by each success (retries.py)."""
    failing_until: float = 0.0
    """Until then a failure is another one of the same fan-out."""
    stormed: bool = False
    smaller: bool = False
    """The last call's context was smaller than the one before: a call beside it, or, with the next one, a new one."""


class RunState(msgspec.Struct):
    """What is remembered of one run."""

    run_id: str
    agent: str = ""
    task: str = ""
    limits: Limits = Limits()
    agents: dict[str, AgentState] = {}
    calls: int = 0
    dollars: Decimal = NOTHING
    unpriced: int = 0
    """Calls whose cost is not known; `dollars` is without them."""
    first_at: float = 0.0
    last_at: float = 0.0
    last_step: int | None = None
    last_event: str | None = None
    watch_calls: float = 25.0
    watch_dollars: Decimal = Decimal("2.5")
    """From here on the limits are looked at with each call."""
    written: int = 0
    """Tokens that all its agents have written."""
    followed: int = 0
    """Calls of agents that had been called before …"""
    brought: int = 0
    """… and those of them that brought something from outside (growth.py)."""
    batch: bool = False
    net: Level = Level.none
    looped: bool = False
    """An alarm was raised because of repeats; such a run teaches nothing about what is normal."""
    neighbour: str | None = None
    """The last other agent that spoke."""
    speaker: str | None = None
    mark: str = ""
    """What the last call was taken for; read by the trail."""
    same_as: int | None = None

    @property
    def last_place(self) -> tuple[float, int, str]:
        """The place of the last call judged."""
        return self.last_at, -1 if self.last_step is None else self.last_step, self.last_event or ""


class Finding(msgspec.Struct, frozen=True):
    """One thing worth telling about a run, decided by one event."""

    level: Level
    rule: str
    """repeat, errors, echo, sizes, calls, dollars, retries or growth."""
    score: float
    threshold: float
    run_id: str
    agent: str
    task: str
    tool: str | None
    tools: tuple[str, ...]
    count: int
    """Redundant calls (repeat, echo, sizes), failures (errors, retries) or calls of the run (calls, dollars)."""
    since_at: float
    since_step: int | None
    since_number: int
    event_id: str
    at: float
    number: int
    """The deciding call's number in the run, from 1."""
    step: int | None
    wasted: Decimal
    """Dollars spent on the repeats so far."""
    run_dollars: Decimal
    pace: Decimal
    """Dollars an hour since the repeats (else the run) began."""
    limits: Limits
    suspected: bool
    """Judged by sizes or length alone, without seeing what was called."""
    grew: tuple[int, int] | None = None
    """The context in tokens before and after (growth)."""
    stretch: float = 1.0
    """How many times its limits the run might take (calls, dollars): half for one that repeats itself now and then."""

    @property
    def at_stake(self) -> Decimal:
        """The dollars it is about: those of the repeats, or of the whole run where that is too long."""
        return self.run_dollars if self.about_the_run else self.wasted

    @property
    def about_the_run(self) -> bool:
        """Whether it is about the run as a whole, not about repeats in it."""
        return self.rule in WHOLE_RUN
