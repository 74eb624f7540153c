"""The form of the loop detector's settings."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from costwatch.accounts.forms import Field
from costwatch.loops.lessons import Wanted
from costwatch.loops.models import Lesson

SENSITIVITIES = {
    "low": "Cautious: named at the 7th call that brings nothing new",
    "normal": "Usual: at the 5th",
    "high": "Eager: at the 4th",
}
LONGEST_NAME = 200


class LoopForm(forms.Form):
    """How early, from how much money on, and what is no loop here."""

    sensitivity = forms.ChoiceField(label="Sensitivity", choices=list(SENSITIVITIES.items()), widget=forms.RadioSelect)
    gate = forms.DecimalField(
        label="Send messages from (USD)", min_value=0, max_value=100_000, max_digits=8, decimal_places=2,
        widget=forms.NumberInput({"class": "input", "step": "0.01", "min": "0"}),
        help_text="Spent on repeats, or an hour of them at twenty times that. Below it, incidents stay on the pages.",
    )  # fmt: skip
    keep = forms.MultipleChoiceField(label="Expected here", required=False, widget=forms.CheckboxSelectMultiple)
    tool = Field(label="A tool that may repeat", required=False, max_length=LONGEST_NAME,
                 help_text="Polling, paging: its calls count for length and cost only.")  # fmt: skip
    task = Field(label="A task that is a batch", required=False, max_length=LONGEST_NAME,
                 help_text="Its runs go through lists; nothing is raised about them.")  # fmt: skip

    def __init__(self, *args: Any, lessons: Sequence[Lesson], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lessons = {str(lesson.pk): lesson for lesson in lessons}
        self.fields["keep"].choices = [(pk, _words(one)) for pk, one in self.lessons.items()]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Wanted:
        """What the checked form asks for."""
        data = self.cleaned_data
        kept = [self.lessons[pk] for pk in data["keep"]]
        return Wanted(
            sensitivity=data["sensitivity"],
            gate=data["gate"],
            tools=_names(kept, Lesson.Kind.TOOL, data["tool"]),
            tasks=_names(kept, Lesson.Kind.TASK, data["task"]),
        )


def initial(wanted: Wanted, lessons: Sequence[Lesson]) -> dict[str, Any]:
    """What the form shows of the settings that hold."""
    return {
        "sensitivity": wanted.sensitivity,
        "gate": wanted.gate.quantize(Decimal("0.01")),
        "keep": [str(lesson.pk) for lesson in lessons],
    }


def _names(kept: Sequence[Lesson], kind: Lesson.Kind, added: str) -> frozenset[str]:
    return frozenset({lesson.value for lesson in kept if lesson.kind == kind} | ({added} if added else set()))


def _words(lesson: Lesson) -> str:
    what = "may repeat" if lesson.kind == Lesson.Kind.TOOL else "is a batch"
    return f"{lesson.get_kind_display().lower()} {lesson.value} {what} (taught by {lesson.taught_by})"
