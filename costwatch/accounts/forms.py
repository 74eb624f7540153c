"""The forms of the account pages. They check shapes; the rules are in the modules they lead to."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from costwatch.accounts.keys import SCOPES
from costwatch.accounts.members import LONGEST_ADDRESS, NotPossible, check_password
from costwatch.accounts.models import Member, Role, Workspace
from costwatch.lib.periods import zone_names

LONGEST_PASSWORD = 1_000  # hashing more would be work for nothing
SCOPE_WORDS = {
    "ingest": "send usage events",
    "read": "read spend, events, runs and exports",
    "admin": "make and revoke keys, change prices and budgets",
}


def time_zones() -> list[str]:
    """The IANA zones people choose from: UTC and those named by a place."""
    placed = (z for z in zone_names() if "/" in z and not z.startswith(("Etc/", "SystemV/", "US/")))
    return ["UTC", *sorted(placed)]


class Field(forms.CharField):
    """One line of text with the look of the design."""

    def __init__(self, *, kind: str = "text", autocomplete: str = "off", **kwargs: Any) -> None:
        attributes = {"class": "input", "autocomplete": autocomplete, "type": kind}
        super().__init__(widget=forms.TextInput(attributes), **kwargs)


class Password(forms.CharField):
    """A password field; `new` ones are checked for length and against the list of common ones."""

    def __init__(self, *, new: bool = False, **kwargs: Any) -> None:
        self.new = new
        attributes = {"class": "input", "autocomplete": "new-password" if new else "current-password"}
        super().__init__(widget=forms.PasswordInput(attributes), strip=False, max_length=LONGEST_PASSWORD, **kwargs)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if self.new:
            try:
                check_password(text)
            except NotPossible as problem:
                raise ValidationError(str(problem)) from problem
        return text


class Choice(forms.ChoiceField):
    """A select with the look of the design."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Select({"class": "input"}), **kwargs)


class Email(forms.EmailField):
    def __init__(self, *, autocomplete: str = "username", first: bool = False) -> None:
        attributes = {"class": "input", "autocomplete": autocomplete} | ({"autofocus": True} if first else {})
        super().__init__(label="E-mail", widget=forms.EmailInput(attributes), max_length=LONGEST_ADDRESS)


class LoginForm(forms.Form):
    email = Email(first=True)
    password = Password()


class WorkspaceForm(forms.Form):
    """What a workspace is called and where its days and weeks begin."""

    name = Field(label="Workspace name", max_length=200, help_text="Your company or team.")
    time_zone = Choice(label="Time zone", help_text="Days and months begin in it.")
    week_start = forms.TypedChoiceField(
        label="Week begins on",
        coerce=int,
        choices=[(day.value, day.label) for day in Workspace.WeekStart],
        widget=forms.Select({"class": "input"}),
    )

    def __init__(self, *args: Any, workspace: Workspace | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.fields["time_zone"].choices = [(zone, zone) for zone in time_zones()]  # type: ignore[attr-defined]
        if workspace is not None and workspace.time_zone not in time_zones():
            self.fields["time_zone"].choices.append((workspace.time_zone, workspace.time_zone))  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        named = Workspace.objects.filter(name=name).first()
        if named is not None and named != self.workspace:
            raise ValidationError("Another workspace of this installation has this name.")
        return name


class OwnerForm(forms.Form):
    email = Email()
    password = Password(new=True, help_text="At least 12 characters; a sentence is fine.")


class InvitedForm(forms.Form):
    name = Field(label="Your name", max_length=200, required=False, autocomplete="name")
    password = Password(new=True, help_text="At least 12 characters; a sentence is fine.")


class KeyForm(forms.Form):
    name = Field(label="Name", max_length=200, help_text="Which program uses it, e.g. triage-prod.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, SCOPE_WORDS[scope]) for scope in SCOPES],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    days = forms.TypedChoiceField(
        label="Valid",
        coerce=int,
        required=False,
        empty_value="0",
        choices=[(0, "until revoked"), (30, "30 days"), (90, "90 days"), (365, "a year")],
        widget=forms.Select({"class": "input"}),
    )


class InviteForm(forms.Form):
    email = Email(autocomplete="off")
    role = Choice(label="Role")

    def __init__(self, *args: Any, by: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(r.value, r.label) for r in Role if by.may(r)]  # type: ignore[attr-defined]


class ProfileForm(forms.Form):
    name = Field(label="Name", max_length=200, required=False, autocomplete="name")
    theme = Choice(label="Colours", choices=[("system", "as the system"), ("light", "light"), ("dark", "dark")])


class PasswordForm(forms.Form):
    """The member's own password; the present one is asked for, so that an open screen is not enough."""

    current = Password(label="Present password")
    password = Password(label="New password", new=True, help_text="At least 12 characters; a sentence is fine.")

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member

    def clean_current(self) -> str:
        text: str = self.cleaned_data["current"]
        if not self.member.check_password(text):
            raise ValidationError("This is not your present password.")
        return text
