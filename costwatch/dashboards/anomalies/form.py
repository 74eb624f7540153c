"""The form of the detectors' settings."""

from decimal import Decimal
from typing import Any

from django import forms

from costwatch.anomalies.detectors import ALL
from costwatch.anomalies.state import SENSITIVITIES, Settings

MOST = 1_000_000
WORDS = {
    "low": "Low: only what is thrice the usual or more",
    "normal": "Normal: from twice the usual on",
    "high": "High: from half as much again on, with more false alarms",
}


class SettingsForm(forms.Form):
    """From which dollars on, how sensitively, and by which detectors."""

    floor = forms.DecimalField(
        label="Tell nothing below, in dollars",
        min_value=Decimal("0.01"),
        max_value=MOST,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"class": "input", "step": "0.01"}),
        help_text="Beyond the usual, in an hour; twice as much in a day.",
    )
    sensitivity = forms.ChoiceField(choices=[(name, WORDS[name]) for name in SENSITIVITIES], widget=forms.RadioSelect)
    on = forms.MultipleChoiceField(
        label="Look for",
        required=False,
        choices=[(name, detector.TITLE) for name, detector in ALL.items()],
        widget=forms.CheckboxSelectMultiple,
    )

    @property
    def wanted(self) -> Settings:
        """The settings that were sent."""
        data = self.cleaned_data
        return Settings(data["floor"], data["sensitivity"], frozenset(ALL) - frozenset(data["on"]))


def initial(settings: Settings) -> dict[str, Any]:
    """The form as the settings are."""
    return {
        "floor": settings.floor.quantize(Decimal("0.01")),
        "sensitivity": settings.sensitivity,
        "on": [name for name in ALL if name not in settings.off],
    }
