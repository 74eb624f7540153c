"""Anomalies: what is unlike this workspace's own past, found from the rollups, told once for each spell."""
