"""The calls of a run as bars in time: a row for each agent, more where calls ran side by side, lines from caller to
called. Drawn by the server as SVG attributes, which a strict CSP allows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from costwatch.dashboards import display
from costwatch.dashboards.run_calls import Call

TITLE, ROW = 18, 14  # px: an agent's name, a row of bars
BAR = 10
LEAST = 0.25  # per cent of the width: a call is never invisible


@dataclass(frozen=True)
class Bar:
    """A call: where it begins and how long it is (per cent), its row (px), its look, what is said of it."""

    url: str
    x: str
    width: str
    y: int
    css: str
    title: str


@dataclass(frozen=True)
class Edge:
    """A line from the row of a caller to the row of what it called, at the moment of the call."""

    x: str
    top: int
    bottom: int


@dataclass(frozen=True)
class Timeline:
    """All that is drawn, in a picture `height` px high from `start` to `end`. `agents`: (name, px from above)."""

    calls: int
    bars: list[Bar]
    edges: list[Edge]
    agents: list[tuple[str, int]]
    height: int
    start: datetime
    end: datetime
    together: int

    @property
    def sentence(self) -> str:
        """What is to be seen, for who cannot see it."""
        said = f"{self.calls:,} calls of {len(self.agents):,} agent{'s' * (len(self.agents) != 1)} in time"
        if self.together > 1:
            said += f", up to {self.together} at the same time"
        return f"{said}. The table below holds them one by one."


def timeline(calls: Sequence[Call], drawn: Sequence[Call] = ()) -> Timeline | None:
    """The picture of some calls; None where there is no time to draw: a single call, or all at one instant.

    `drawn`: what is drawn instead of them, where several are one bar.
    """
    if len(calls) < 2:
        return None
    start, end = min(call.at for call in calls), max(call.until for call in calls)
    whole = (end - start).total_seconds()
    if whole <= 0:
        return None

    def percent(at: datetime) -> float:
        return 100 * (at - start).total_seconds() / whole

    drawn = drawn or calls
    rows, agents, height = _rows(drawn)
    bars = [
        Bar(call.url, f"{min(percent(call.at), 100 - LEAST):.2f}%",
            f"{max(percent(call.until) - percent(call.at), LEAST):.2f}%", rows[call.number], _css(call), _title(call))
        for call in drawn
    ]  # fmt: skip
    edges = [
        Edge(f"{percent(call.at):.2f}%", *sorted((rows[call.caller] + BAR // 2, rows[call.number] + BAR // 2)))
        for call in drawn
        if call.caller in rows and rows[call.caller] != rows[call.number]
    ]
    return Timeline(len(calls), bars, edges, agents, height, start, end, _together(calls))


def _rows(calls: Sequence[Call]) -> tuple[dict[int, int], list[tuple[str, int]], int]:
    """Call number → px from above; the agents and where they begin; the height of all."""
    of_agent: dict[str, list[Call]] = {}
    for call in calls:
        of_agent.setdefault(call.agent, []).append(call)
    rows: dict[int, int] = {}
    agents, top = [], 0
    for agent, own in of_agent.items():
        agents.append((display.name(agent), top + TITLE - 5))
        free: list[datetime] = []  # when each of the agent's rows has room again
        for call in sorted(own, key=lambda call: call.at):
            row = next((n for n, until in enumerate(free) if until <= call.at), len(free))
            free[row : row + 1] = [call.until]
            rows[call.number] = top + TITLE + row * ROW
        top += TITLE + len(free) * ROW
    return rows, agents, top


def _together(calls: Sequence[Call]) -> int:
    """How many calls ran at the same time at most; one that begins as another ends is not beside it."""
    lasting = [call for call in calls if call.until > call.at]
    now = most = 0
    for _, step in sorted([(call.until, -1) for call in lasting] + [(call.at, 1) for call in lasting]):
        now += step
        most = max(most, now)
    return most


def _css(call: Call) -> str:
    if call.stands_for > 1:
        return "c-bad folded"
    return "c-bad" if call.failed or call.repeats else "c-ink"


def _title(call: Call) -> str:
    cost = "unpriced" if call.cost is None else display.single_cost(call.cost)
    told = [f"Call {call.number}", call.asked or "reply", call.model, cost, display.duration(call.until - call.at)]
    return ", ".join(part for part in [*told, call.failed, call.repeats] if part)
