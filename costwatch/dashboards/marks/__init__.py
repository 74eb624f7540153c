"""Incidents on charts: a small mark at the bucket in which one was opened, and a link to it below the chart."""
