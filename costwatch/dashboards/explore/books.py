"""Whom a question is put to: the sums of the spend, or, for what concerns conversations, those of their calls alone."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from costwatch.accounts.models import Workspace
from costwatch.dashboards.explore.question import Question
from costwatch.spend import queries
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import MOST_GROUPS, Answer, Group
from costwatch.spend.session_sums import session_sums
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums, add


class Books:
    """The sums of the spend."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def query(
        self,
        filter: SpendFilter,
        by: Sequence[str] = (),
        bucket: str = "none",
        limit: int = MOST_GROUPS,
        rank: str = "cost",
    ) -> Answer:
        """As `queries.query`."""
        return queries.query(self.workspace, filter, by, bucket, limit=limit, rank=rank)


class SessionBooks(Books):
    """The same of calls that belong to a session; `runs` counts the sessions that begin in a part.

    Each span is read once, by all that the question asks: which call a session begins with must not depend on the part.
    """

    def __init__(self, workspace: Workspace, question: Question) -> None:
        super().__init__(workspace)
        self._question = question
        self._read: dict[tuple[datetime, datetime], list[Group]] = {}

    def query(
        self,
        filter: SpendFilter,
        by: Sequence[str] = (),
        bucket: str = "none",
        limit: int = MOST_GROUPS,
        rank: str = "cost",
    ) -> Answer:
        """As `queries.query`, without a limit. `filter` may narrow the question by its own dimensions only."""
        parts: dict[tuple[tuple[str | None, ...], datetime | None], list[Sums]] = defaultdict(list)
        for group in self._groups(filter.start, filter.end):
            if all(group.values[name] in filter.include.get(name, (group.values[name],)) for name in by):
                key = tuple(group.values[name] for name in by), None if bucket == "none" else group.bucket
                parts[key].append(group.sums)
        groups = [Group(dict(zip(by, values, strict=True)), at, add(sums)) for (values, at), sums in parts.items()]
        with snapshot(self.workspace.lane) as books:
            total = add(group.sums for group in groups)
            return Answer(filter.start, filter.end, self.workspace.time_zone, groups, total, books.at)

    def _groups(self, start: datetime, end: datetime) -> list[Group]:
        if (start, end) not in self._read:
            asked = self._question.filter(start, end)
            by, bucket = self._question.dimensions, self._question.bucket
            self._read[start, end] = session_sums(self.workspace, asked, by, bucket)
        return self._read[start, end]


def books_for(workspace: Workspace, question: Question) -> Books:
    """Those that know the question's measure."""
    return SessionBooks(workspace, question) if question.metric.of_sessions else Books(workspace)
