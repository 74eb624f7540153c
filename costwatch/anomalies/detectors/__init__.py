"""The detectors: one file and one line here for each. Only what stands here is evaluated, offered and documented."""

from costwatch.anomalies.detectors import (
    catalogue_age,
    error_storm,
    escalation,
    newcomer,
    silence,
    spend,
    step_change,
    unpriced,
)
from costwatch.anomalies.state import Detector

ALL: dict[str, Detector] = {
    detector.NAME: detector  # type: ignore[misc]
    for detector in (spend, newcomer, step_change, escalation, unpriced, catalogue_age, silence, error_storm)
}
