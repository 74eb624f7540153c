"""The one log of an installation: a line per event, marked with the process it came from, as text or as JSON."""

import json
import sys
from datetime import UTC, datetime
from typing import TextIO


class Log:
    """Writes marked lines. A reader that went away (a closed pipe) never stops the installation."""

    def __init__(self, out: TextIO = sys.stdout, as_json: bool = False) -> None:
        self._out = out
        self._as_json = as_json

    def say(self, process: str, line: str) -> None:
        """One line of one process; control characters are shown, not sent to the terminal."""
        now = datetime.now(UTC)
        try:
            self._out.write(self._json(now, process, line) if self._as_json else _text(now, process, line))
            self._out.flush()
        except (OSError, ValueError):
            self._out = open("/dev/null", "w")  # noqa: SIM115, PTH123

    @staticmethod
    def _json(now: datetime, process: str, line: str) -> str:
        fields = {"time": now.isoformat(timespec="milliseconds"), "process": process}
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        return json.dumps({**fields, **(told if isinstance(told, dict) else {"message": line})}) + "\n"


def _text(now: datetime, process: str, line: str) -> str:
    shown = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
    return f"{now:%H:%M:%S} {process:<9} | {shown}\n"
