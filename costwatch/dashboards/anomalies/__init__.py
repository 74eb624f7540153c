"""What anomalies show on the pages: the evidence of an incident, and the settings of the detectors."""
