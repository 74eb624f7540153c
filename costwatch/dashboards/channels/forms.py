"""The form of a channel: the options all have, and the fields of its kind. The rules are in alerts.channels."""

from typing import Any

from django import forms

from costwatch.accounts.forms import Choice, Field, time_zones
from costwatch.alerts import channels
from costwatch.alerts.models import Channel, Kind, Severity
from costwatch.alerts.transports import transport
from costwatch.alerts.transports.parts import Field as TransportField

SEVERITIES = [(Severity.ALARM, "alarms and what is critical"), (Severity.CRITICAL, "only what is critical")]


class ChannelForm(forms.Form):
    """A new channel of a kind, or a known one; what is blank in a secret field of a known one stays as it is."""

    name = Field(label="Name", max_length=channels.LONGEST_NAME, help_text="As it is called in incidents.")
    min_severity = Choice(label="It is sent", choices=SEVERITIES)
    kinds = forms.MultipleChoiceField(
        label="Only incidents of these kinds (none marked: all)",
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    is_default = forms.BooleanField(label="Used wherever nobody chose channels", required=False)
    quiet_from = forms.TimeField(
        label="Quiet from", required=False, widget=forms.TimeInput({"class": "input", "type": "time"}, format="%H:%M"),
        help_text="Then only what is critical is sent; the rest waits.",
    )  # fmt: skip
    quiet_until = forms.TimeField(
        label="until", required=False, widget=forms.TimeInput({"class": "input", "type": "time"}, format="%H:%M")
    )
    time_zone = Choice(label="in the time zone", required=False)
    escalate_to = forms.TypedChoiceField(
        label="Not acknowledged? Then tell", coerce=int, empty_value=None, required=False,
        widget=forms.Select({"class": "input"}),
    )  # fmt: skip
    escalate_minutes = forms.IntegerField(
        label="after minutes", required=False, widget=forms.NumberInput({"class": "input", "min": 1})
    )
    renotify_minutes = forms.IntegerField(
        label="Tell again after minutes", required=False,
        widget=forms.NumberInput({"class": "input", "min": 1}), help_text="While it is open. Empty: never.",
    )  # fmt: skip

    def __init__(self, *args: Any, channel: Channel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = [field.name for field in transport(channel.kind).FIELDS]
        for field in transport(channel.kind).FIELDS:
            self.fields[field.name] = _field(field, channel)
        zones = [("", f"that of the workspace ({channel.workspace.time_zone})"), *((z, z) for z in time_zones())]
        self.fields["time_zone"].choices = zones  # type: ignore[attr-defined]
        others = channels.of(channel.workspace_id).exclude(pk=channel.pk)
        choices = [("", "nobody"), *((other.pk, other.name) for other in others)]
        self.fields["escalate_to"].choices = choices  # type: ignore[attr-defined]

    @property
    def own_fields(self) -> list[forms.BoundField]:
        """The fields of the kind."""
        return [self[name] for name in self.own]

    @property
    def data_entered(self) -> dict[str, Any]:
        """What was entered, for alerts.channels."""
        return dict(self.cleaned_data)


def initial(channel: Channel) -> dict[str, Any]:
    """What the form shows of a known channel."""
    options = {name: getattr(channel, name) for name in channels.OPTIONS if name != "escalate_to"}
    fields = transport(channel.kind).FIELDS
    open_ = {f.name: _text(channel.shown.get(f.name, "")) for f in fields if not f.secret}
    return {**options, **open_, "escalate_to": channel.escalate_to_id}


def _field(field: TransportField, channel: Channel) -> forms.CharField:
    known = _text(channel.shown.get(field.name, ""))
    attributes = {"class": "input", "autocomplete": "off", "spellcheck": "false"}
    if field.secret and known:
        attributes["placeholder"] = f"{known} (leave it empty to keep it)"
    lines = forms.Textarea({**attributes, "class": "input lines", "rows": 3}) if field.many else None
    return forms.CharField(
        label=field.label,
        help_text=field.help,
        required=field.required and not (field.secret and known),
        max_length=channels.LONGEST_VALUE if not field.many else 20_000,
        widget=lines or forms.TextInput(attributes),
    )


def _text(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)
