"""Incidents: what somebody should look at, opened once whatever runs twice, and what people did about it."""
