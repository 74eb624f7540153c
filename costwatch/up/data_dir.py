"""The folder of an installation: who holds it, its secret key, and where its parts are reached."""

import contextlib
import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import IO, Final

from costwatch.trouble import Trouble

ABOUT: Final = "installation.json"
LOCK: Final = "lock"


def open_data_dir(folder: Path, shared_with_server: bool) -> Path:
    """The folder, made if missing, private to its owner. Trouble where it cannot be used.

    shared_with_server leaves it passable: root's PostgreSQL runs as another user.
    """
    folder = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100 - resolve() would follow a link that may move
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o711 if shared_with_server else 0o700)
        probe = folder / f".writable-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Trouble(f"The data dir {folder} cannot be used: {reason}. Choose another with --data-dir.") from None
    return folder


def hold(folder: Path) -> IO[str]:
    """Claim the installation for this process, until the returned file is closed or the process ends."""
    lock = (folder / LOCK).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        about = read_about(folder)
        where = f" at {about['url']} (process {about['pid']})" if "url" in about else ""
        raise Trouble(
            f"costwatch already runs on {folder}{where}: stop it first, or choose another --data-dir."
        ) from None
    os.set_inheritable(lock.fileno(), False)
    return lock


def is_held(folder: Path) -> bool:
    """Whether an `up` runs on this folder."""
    with contextlib.suppress(OSError), (folder / LOCK).open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def secret_key(folder: Path) -> str:
    """The installation's key for sessions and signatures: made once, readable by its owner only."""
    return _made_once(folder / "secret_key", 50)


def metrics_token(folder: Path) -> str:
    """What a Prometheus server on another machine shows to read /metrics."""
    return _made_once(folder / "metrics_token", 32)


def write_about(folder: Path, **facts: str | int | bool) -> None:
    """Leave a note for the other commands: how the running installation is reached."""
    unfinished = folder / f"{ABOUT}.new"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(facts, file)
    unfinished.replace(folder / ABOUT)


def read_about(folder: Path) -> dict[str, str]:
    """The note of the last `up`, or nothing where there was none."""
    try:
        return dict(json.loads((folder / ABOUT).read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, TypeError, ValueError) as error:
        raise Trouble(
            f"{folder / ABOUT} cannot be read ({error}): run this as the user that started costwatch."
        ) from None


def _made_once(file: Path, length: int) -> str:
    if not file.exists():
        unfinished = file.with_name(f"{file.name}.new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(length))
        unfinished.replace(file)
    return file.read_text().strip()
