"""The embedded broker of `costwatch up`: a Valkey of our own on a private socket, with its log kept on disk."""

import contextlib
import os
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from costwatch import programs, server_user

SETTINGS: Final = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    "loglevel": "warning",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
}
LONGEST_SOCKET_FOLDER: Final = 80


@dataclass(frozen=True)
class Broker:
    """A configured broker that is ready to be started."""

    command: list[str]
    socket: Path

    @property
    def url(self) -> str:
        return f"redis+socket://{quote(str(self.socket))}"


def prepare_broker(data_dir: Path) -> Broker | None:
    """The broker in data_dir/broker, with none left over; None where this machine has no program for it."""
    program = programs.broker()
    if program is None:
        return None
    folder = data_dir / "broker"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    short = folder
    if len(str(folder).encode()) > LONGEST_SOCKET_FOLDER:
        short = server_user.private_folder(Path(tempfile.gettempdir()), f"costwatch-broker-{os.getuid()}", folder, None)
    broker = Broker([program, str(folder / "valkey.conf")], short / "valkey.sock")
    _stop_left_over(broker)
    settings = {**SETTINGS, "dir": f'"{folder}"', "unixsocket": f'"{broker.socket}"'}
    (folder / "valkey.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    return broker


def answers(broker: Broker) -> bool:
    """Whether it takes commands."""
    return _tell(broker, b"PING\r\n").startswith(b"+PONG")


def _stop_left_over(broker: Broker) -> None:
    """A killed supervisor may have left one behind: two must not write the same files."""
    deadline = time.monotonic() + 10
    while answers(broker) and time.monotonic() < deadline:
        _tell(broker, b"SHUTDOWN NOSAVE\r\n")
        time.sleep(0.05)
    broker.socket.unlink(missing_ok=True)


def _tell(broker: Broker, command: bytes) -> bytes:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(broker.socket))
        connection.sendall(command)
        return connection.recv(100)
    return b""
