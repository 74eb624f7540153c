"""Environment variables, read in one place and loudly: a bad value stops the start with its name and what is right."""

import os
from pathlib import Path


class BadSetting(ValueError):
    """An environment variable holds something that cannot be used; the message says which and what to write."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise BadSetting(f"{name}={value!r}: write 1 or 0")


def integer(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise BadSetting(f"{name}={value!r}: write a whole number") from None


def words(name: str, default: str = "") -> list[str]:
    """Comma-separated values without blanks."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def default_data_dir() -> Path:
    """Where an installation lives unless told otherwise: the user's data home; as root /var/lib/costwatch."""
    if os.environ.get("COSTWATCH_DATA_DIR"):
        return Path(os.environ["COSTWATCH_DATA_DIR"]).expanduser()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/costwatch")
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "costwatch"
