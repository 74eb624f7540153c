"""Digests: what a day, a week or a month came to, sent once to those who asked for it, and readable as a page."""
