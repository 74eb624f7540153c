"""A WSGI application's answers, and how a server asks for one."""

from collections.abc import Iterator
from typing import Any


class Response:
    """Like Django's: iterable once, closed at the end."""

    def __init__(self, streaming: bool = False) -> None:
        self.streaming, self.closed = streaming, False

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    def close(self) -> None:
        self.closed = True


def call(app: Any, path: str = "/") -> tuple[str, Any]:
    told: list[str] = []
    body = app({"PATH_INFO": path}, lambda status, headers: told.append(status))
    return (told or ["app"])[0], body
