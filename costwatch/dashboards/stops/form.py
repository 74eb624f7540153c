"""The form of the kill switch. It checks shapes; the rules are in alerts.kill."""

from datetime import timedelta
from typing import Any

from django import forms

from costwatch.accounts.forms import Choice, Field
from costwatch.accounts.models import Workspace
from costwatch.alerts import kill

EVERYBODY = "everybody"
WHOM = {"agent": "the agent", "user": "the end user", "task": "the task", "run": "the run", "session": "the session",
        "key": "whoever sends with the API key", EVERYBODY: "everybody in this workspace"}  # fmt: skip
HOURS = {"1": "1 hour", "4": "4 hours", "24": "1 day", "168": "1 week", "720": "30 days"}


class StopForm(forms.Form):
    """Whom to stop, why and how long."""

    by = Choice(label="Stop", choices=list(WHOM.items()))
    value = Field(label="Name", max_length=kill.LONGEST_VALUE, strip=False)
    message = Field(label="Why", max_length=kill.LONGEST_MESSAGE, help_text="Whoever asks the guard reads it.")
    hours = Choice(label="For", choices=list(HOURS.items()))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean(self) -> dict[str, Any]:
        """To stop everybody, the workspace's name is typed: no slip of the hand does it."""
        data = super().clean() or {}
        if data.get("by") == EVERYBODY and data.get("value") != self.workspace.name:
            self.add_error("value", "To stop everybody, type the name of this workspace.")
        return data

    @property
    def scope(self) -> dict[str, str]:
        """Whom the checked form names, as alerts.kill takes it."""
        by = self.cleaned_data["by"]
        return {} if by == EVERYBODY else {by: self.cleaned_data["value"]}

    @property
    def lasts(self) -> timedelta:
        """For how long."""
        return timedelta(hours=int(self.cleaned_data["hours"]))
