"""What a workspace has taught the detector by saying "expected"."""

from datetime import datetime

from costwatch.loops.models import Lesson
from costwatch.loops.state import Settings


def settings_of(workspace_id: int) -> Settings:
    """The detector's settings with this workspace's lessons."""
    taught = list(Lesson.objects.filter(workspace_id=workspace_id).values_list("kind", "value"))
    return Settings(
        repeatable_tools=frozenset(value for kind, value in taught if kind == Lesson.Kind.TOOL),
        batch_tasks=frozenset(value for kind, value in taught if kind == Lesson.Kind.TASK),
    )


def teach(workspace_id: int, kind: str, value: str, by: str, now: datetime) -> bool:
    """From the next run on, this tool may repeat or this task is a batch; False if that was known."""
    return Lesson.objects.get_or_create(
        workspace_id=workspace_id, kind=Lesson.Kind(kind), value=value, defaults={"taught_by": by, "taught_at": now}
    )[1]
