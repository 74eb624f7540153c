"""What this installation seals with: its secret key, and the older ones, which still open what they sealed."""

from django.conf import settings


def keys() -> list[str]:
    """For `lib.sealed`, the present one first."""
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
