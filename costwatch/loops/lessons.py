"""What a workspace wants of the detector: its settings, and what it has taught it by saying "expected"."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from django.db import transaction

from costwatch.loops.models import Lesson, LoopSettings
from costwatch.loops.state import Settings


@dataclass(frozen=True)
class Wanted:
    """Settings as people choose them; `tools` may repeat, `tasks` are batches."""

    sensitivity: str
    gate: Decimal
    tools: frozenset[str]
    tasks: frozenset[str]

    @property
    def settings(self) -> Settings:
        """As the detector takes them."""
        own = {"gate": self.gate, "repeatable_tools": self.tools, "batch_tasks": self.tasks}
        return msgspec.structs.replace(Settings.at(self.sensitivity), **own)


def wanted(workspace_id: int) -> Wanted:
    """What holds in a workspace now."""
    row = LoopSettings.objects.filter(workspace_id=workspace_id).first()
    taught = list(Lesson.objects.filter(workspace_id=workspace_id).values_list("kind", "value"))
    return Wanted(
        sensitivity=row.sensitivity if row else LoopSettings.Sensitivity.NORMAL.value,
        gate=row.gate if row else Settings().gate,
        tools=frozenset(value for kind, value in taught if kind == Lesson.Kind.TOOL),
        tasks=frozenset(value for kind, value in taught if kind == Lesson.Kind.TASK),
    )


def settings_of(workspace_id: int) -> Settings:
    """The detector's settings for this workspace, with its lessons."""
    return wanted(workspace_id).settings


def change(workspace_id: int, new: Wanted, by: str, now: datetime) -> bool:
    """From the next call on these settings hold; False if they did before."""
    with transaction.atomic():
        known = wanted(workspace_id)
        if known == new:
            return False
        LoopSettings.objects.update_or_create(
            workspace_id=workspace_id,
            defaults={"sensitivity": new.sensitivity, "gate": new.gate, "changed_by": by, "changed_at": now},
        )
        _relearn(workspace_id, Lesson.Kind.TOOL, known.tools, new.tools, by, now)
        _relearn(workspace_id, Lesson.Kind.TASK, known.tasks, new.tasks, by, now)
    return True


def teach(workspace_id: int, kind: str, value: str, by: str, now: datetime) -> bool:
    """From the next run on, this tool may repeat or this task is a batch; False if that was known."""
    return Lesson.objects.get_or_create(
        workspace_id=workspace_id, kind=Lesson.Kind(kind), value=value, defaults={"taught_by": by, "taught_at": now}
    )[1]


def of(workspace_id: int) -> Iterable[Lesson]:
    """The lessons, tools first, by name."""
    return Lesson.objects.filter(workspace_id=workspace_id).order_by("-kind", "value")


def _relearn(
    workspace_id: int, kind: Lesson.Kind, known: frozenset[str], new: frozenset[str], by: str, now: datetime
) -> None:
    Lesson.objects.filter(workspace_id=workspace_id, kind=kind, value__in=known - new).delete()
    for value in sorted(new - known):
        teach(workspace_id, kind, value, by, now)
