"""Whom PostgreSQL runs as. It refuses root, so that root's installation gets a system user for it."""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from costwatch.trouble import Trouble

SYSTEM_USER = "pgserver"
TRAVERSE = 0o001


def choose(data_dir: Path, say: Callable[[str], None] = lambda line: None) -> str | None:
    """None for ordinary users. For root: the system user, made if it is missing, who can reach data_dir afterwards."""
    if os.geteuid() != 0:
        return None
    _ensure_user()
    opened = _open_folders(data_dir)
    say(f"PostgreSQL refuses to run as root: it runs as the system user {SYSTEM_USER}")
    if opened:
        say(f"opened to that user for passing through: {', '.join(map(str, opened))}")
    return SYSTEM_USER


def run(
    command: list[str], user: str | None, stdin: str = "", keep_output: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run to the end as that user; the outcome is 126 where it cannot be started at all.

    keep_output must be off for a program that leaves a server behind, which would hold the pipes open.
    """
    identity = {"user": user, "group": user, "extra_groups": []} if user else {}
    output = subprocess.PIPE if keep_output else subprocess.DEVNULL
    try:
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            command, input=stdin, text=True, stdout=output, stderr=output, cwd="/", check=False, **identity
        )
    except OSError as error:
        return subprocess.CompletedProcess(command, 126, "", str(error))


def private_folder(parent: Path, prefix: str, of: Path, user: str | None) -> Path:
    """A folder 0700 of that user with a short, stable name; refused where somebody else made it first."""
    folder = parent / f"{prefix}-{hashlib.sha256(str(of).encode()).hexdigest()[:10]}"
    owner = pwd.getpwnam(user).pw_uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if user:
            shutil.chown(folder, user)
    except FileExistsError:
        if folder.is_symlink() or folder.stat().st_uid != owner:
            raise Trouble(
                f"{folder} belongs to somebody else; remove it or choose a data dir with a shorter path."
            ) from None
    folder.chmod(0o700)
    return folder


def _ensure_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
        return
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    made = (
        run([useradd, "--system", "--user-group", "--shell", "/usr/sbin/nologin", SYSTEM_USER], None)
        if useradd
        else None
    )
    if made is None or made.returncode != 0:
        raise Trouble(
            f"PostgreSQL refuses to run as root and the system user {SYSTEM_USER} could not be made: "
            "start costwatch as an ordinary user, or give it a database with DATABASE_URL."
        )


def _open_folders(data_dir: Path) -> list[Path]:
    """Let others pass through (not list) the folders above the cluster; never a home."""
    closed = [f for f in (data_dir, *data_dir.parents) if f.exists() and not f.stat().st_mode & TRAVERSE]
    homes = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_dir.startswith(("/home/", "/root"))}
    for folder in closed:
        if folder in homes:
            raise Trouble(
                f"{data_dir} lies in the home {folder}, which PostgreSQL's user {SYSTEM_USER} may not enter: "
                "choose another --data-dir, for example /var/lib/costwatch, or start as an ordinary user."
            )
    for folder in closed:
        folder.chmod(folder.stat().st_mode | TRAVERSE)
    return [folder for folder in closed if folder != data_dir]
