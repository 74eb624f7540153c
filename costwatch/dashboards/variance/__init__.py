"""Variance: why spend differs between two spans, to the cent."""
