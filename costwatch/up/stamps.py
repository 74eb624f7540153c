"""Remembers what a step was last done for, so that a restart with nothing new skips it (and the import of Django)."""

import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def database_state() -> str:
    """Changes with the migrations, the price catalogue and the code that reads it."""
    files = [*PACKAGE.glob("*/migrations/**/*"), *PACKAGE.glob("migrations/*"), *(PACKAGE / "pricing").glob("**/*")]
    return _fingerprint(files, ["django", "genai-prices"])


def static_state() -> str:
    """Changes with the static files of the product and of the packages that bring some."""
    packed = PACKAGE / "_static"
    folder = packed if packed.is_dir() else PACKAGE.parent / "static"
    files = [*folder.glob("**/*"), *PACKAGE.glob("*/static/**/*")]
    return _fingerprint(files, ["django", "djangorestframework", "drf-spectacular", "whitenoise"])


def is_done(stamp: Path, state: str) -> bool:
    """Whether the step was done for exactly this state."""
    try:
        return stamp.read_text() == state
    except OSError:
        return False


def _fingerprint(files: Iterable[Path], packages: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in packages:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    for file in sorted(f for f in files if f.is_file() and f.suffix != ".pyc"):
        status = file.stat()
        digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
