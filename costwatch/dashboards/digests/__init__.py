"""Digests as pages, and who gets them."""
