"""Secrets at rest: sealed with keys that are derived from the installation's secret key, which is not in the database.

The first key seals, every key opens: another secret key beside the old one, then everything sealed anew, then the old
one away.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(ValueError):
    """Sealed with a key that is not known here."""


def seal(value: Mapping[str, Any], secrets: Sequence[str], purpose: str) -> str:
    """The value as text that only these secrets open; `purpose` keeps the keys of different things apart."""
    return _box(secrets, purpose).encrypt(json.dumps(value).encode()).decode()


def unseal(text: str, secrets: Sequence[str], purpose: str) -> dict[str, Any]:
    """What was sealed. Raises Unreadable."""
    try:
        found: dict[str, Any] = json.loads(_box(secrets, purpose).decrypt(text.encode()))
    except InvalidToken:
        raise Unreadable("It was stored under another COSTWATCH_SECRET_KEY.") from None
    return found


def is_current(text: str, secrets: Sequence[str], purpose: str) -> bool:
    """Whether it is sealed with the first secret."""
    try:
        _box(secrets[:1], purpose).decrypt(text.encode())
    except InvalidToken:
        return False
    return True


def _box(secrets: Sequence[str], purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])


def _key(secret: str, purpose: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"costwatch {purpose}".encode())
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
