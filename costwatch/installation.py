"""Finds the installation that a command works on: what the environment names, else the one in the data dir."""

import os
from dataclasses import dataclass
from pathlib import Path

from costwatch import env
from costwatch.trouble import Trouble
from costwatch.up import data_dir as folders


@dataclass(frozen=True)
class Found:
    """Where it lies and how its database and broker are reached."""

    data_dir: Path
    database_url: str
    broker_url: str
    url: str
    running: bool

    def enter(self) -> None:
        """Let settings.py of this process find it."""
        os.environ["COSTWATCH_DATA_DIR"] = str(self.data_dir)
        os.environ["DATABASE_URL"] = self.database_url
        os.environ.setdefault("BROKER_URL", self.broker_url)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")


def find() -> Found:
    """The installation. Raises Trouble where there is none to reach."""
    data_dir = env.default_data_dir().absolute()
    about = folders.read_about(data_dir)
    running = folders.is_held(data_dir)
    given = env.text("DATABASE_URL")
    if not given and not about:
        raise Trouble(f"There is no installation in {data_dir}: start one with `costwatch up`, or name its --data-dir.")
    if not given and about.get("embedded") and not running:
        raise Trouble(f"costwatch does not run on {data_dir}: start it with `costwatch up --data-dir {data_dir}`.")
    return Found(data_dir, given or about["database_url"], about.get("broker_url", ""), about.get("url", ""), running)
