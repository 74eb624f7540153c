"""One-time links (setup, invitation): the secret is in the link only, the table holds its SHA-256."""

import secrets
from hashlib import sha256


def new() -> tuple[str, bytes]:
    """A secret of 256 bits for a URL, and the digest to store."""
    text = secrets.token_urlsafe(32)
    return text, digest(text)


def digest(text: str) -> bytes:
    """What is stored of the secret in a link."""
    return sha256(text.encode(errors="replace")).digest()
