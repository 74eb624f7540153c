import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.running import Up


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, as sockets need, that every user may pass through."""
    with tempfile.TemporaryDirectory(prefix="cw-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def running() -> Iterator[Up]:
    """One installation for the tests of a file that only look at it."""
    with tempfile.TemporaryDirectory(prefix="cw-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        up = Up(Path(name) / "data")
        try:
            yield up.start()
        finally:
            up.clean_up()


@pytest.fixture
def make_up(folder: Path) -> Iterator[type[Up]]:
    """Up(...) whose processes are gone after the test."""
    made: list[Up] = []

    class Kept(Up):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            made.append(self)

    yield Kept
    for up in made:
        up.clean_up()
