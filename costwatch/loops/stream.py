"""Many runs at once: what the watch task does with rows, in memory, for replays, back-tests and the benchmark."""

from collections import OrderedDict
from collections.abc import Iterable

from costwatch.loops.detect import begin, judge, observe
from costwatch.loops.state import Call, Finding, RunState, Settings
from costwatch.loops.usual import FINISHED_AFTER, Usual, learn, limits

FORGOTTEN_AFTER = 3600.0


class Stream:
    """Runs under way and what has been learnt. Time is the time of the events, so a replay learns as life does."""

    def __init__(self, settings: Settings, forgotten_after: float = FORGOTTEN_AFTER) -> None:
        self.settings = settings
        self.forgotten_after = forgotten_after
        self.usual: dict[tuple[str, str], Usual] = {}
        self.everyone = Usual()
        self.active: OrderedDict[str, RunState] = OrderedDict()
        self.quiet: OrderedDict[str, RunState] = OrderedDict()

    def see(self, call: Call) -> tuple[Finding, ...]:
        """Judge one call; calls come by time over all runs. Raises Late for one that stands before its run's last."""
        run = self.active.get(call.run_id)
        if run is None:
            run = self.quiet.pop(call.run_id, None) or self._begin(call)
            self.active[call.run_id] = run
        else:
            self.active.move_to_end(call.run_id)
        return observe(run, call, self.settings)

    def judge_again(self, calls: Iterable[Call]) -> list[Finding]:
        """Judge a known run anew from all its calls, because a late one has come; its limits stay. All its findings."""
        every = list(calls)
        run_id = every[0].run_id
        known = self.active.get(run_id) or self.quiet[run_id]
        run, findings = judge(every, known.limits, self.settings)
        where = self.active if run_id in self.active else self.quiet
        if run is not None:
            where[run_id] = run
        return findings

    def _begin(self, call: Call) -> RunState:
        self.finish(call.at - FINISHED_AFTER)
        own = self.usual.get((call.agent, call.task))
        return begin(call, limits(own or Usual(), self.everyone, self.settings), self.settings)

    def finish(self, silent_since: float) -> None:
        """Learn from the runs without a call since that time (Unix seconds); forget those silent much longer."""
        while self.active and next(iter(self.active.values())).last_at < silent_since:
            run_id, run = self.active.popitem(last=False)
            learn(self.usual.setdefault((run.agent, run.task), Usual()), run)
            learn(self.everyone, run)
            self.quiet[run_id] = run
        long_ago = silent_since + FINISHED_AFTER - self.forgotten_after
        while self.quiet and next(iter(self.quiet.values())).last_at < long_ago:
            self.quiet.popitem(last=False)
