"""Releases: two values of a label side by side, with a verdict."""
