"""Whether anything was ever recorded that a budget could count: a misspelt agent has a budget that never fires."""

from collections.abc import Iterator, Sequence
from typing import Any

from costwatch.accounts.models import ApiKey
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.models import Budget
from costwatch.budgets.terms import NOT
from costwatch.ledger.models import Attribution, EndUser, Label, Run, Session
from costwatch.spend.dimensions import KEY, LABELS, RUN, SESSION, TAG, USER

FEW = 5
KEEP = "send allow_unseen: true to keep the budget as it is"
"""How a program insists; a page says it in its own way."""
_TABLES: dict[str, tuple[Any, str]] = {
    USER: (EndUser, "user_id"),
    SESSION: (Session, "session_id"),
    RUN: (Run, "run_id"),
}


def unseen(budget: Budget) -> Iterator[BadBudget]:
    """One for each dimension of the scope none of whose values was ever recorded, and for a template's dimension."""
    lane = budget.workspace.lane
    for name, values in budget.scope.items():
        if not name.endswith(NOT) and "" not in values and not _was_seen(lane, name, values):
            known = _some(lane, name)
            said = f"Known are {', '.join(known)}." if known else f"No event has named its {_called(name)} yet."
            shown = ", ".join(value[:64] for value in values[:FEW])
            yield BadBudget(f"scope.{name}"[:80], f"No event came from {_called(name)} {shown} so far. {said}"
                            f" Correct it, or {KEEP}.")  # fmt: skip
    if budget.per and not _some(lane, budget.per):
        yield BadBudget("per", f"No event has named its {_called(budget.per)} yet, so there is nothing to hold the"
                        f" amount against. Correct it, or {KEEP}.")  # fmt: skip


def _was_seen(lane: int, dimension: str, values: Sequence[str]) -> bool:
    if dimension.startswith(TAG):
        key = dimension.removeprefix(TAG)
        tags = Attribution.objects.filter(lane=lane, tags__has_key=key).values_list("tags", flat=True)
        return any(own[key] in values for own in tags.iterator())
    rows, name = _names(lane, dimension)
    return bool(rows.filter(**{f"{name}__in": values}).exists())


def _some(lane: int, dimension: str) -> list[str]:
    """A few values that were recorded."""
    if dimension.startswith(TAG):
        key = dimension.removeprefix(TAG)
        tags = Attribution.objects.filter(lane=lane, tags__has_key=key).values_list("tags", flat=True)[:1_000]
        return sorted({own[key] for own in tags})[:FEW]
    rows, name = _names(lane, dimension)
    return list(rows.order_by("pk").values_list(name, flat=True)[:FEW])


def _names(lane: int, dimension: str) -> tuple[Any, str]:
    """The rows of the values of a dimension, and their column."""
    if dimension in LABELS:
        return Label.objects.filter(lane=lane, kind=LABELS[dimension]), "value"
    if dimension == KEY:
        return ApiKey.objects.filter(workspace_id=lane), "name"
    model, name = _TABLES[dimension]
    return model.objects.filter(lane=lane), name


def _called(dimension: str) -> str:
    return f"tag {dimension.removeprefix(TAG)}" if dimension.startswith(TAG) else dimension
