"""A watch in a process of its own that is killed at a named step: `python -m tests.budgets.worker "in the telling"`."""

import os
import sys
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")

import django

django.setup()

from costwatch import tasks  # noqa: E402  needs Django to be ready
from costwatch.budgets import rows, tell, watch  # noqa: E402
from tests.alerts.worker import dying_after  # noqa: E402

STEPS: dict[str, tuple[Any, str]] = {
    "in the addition": (rows, "add"),
    "after the addition": (watch, "watch"),
    "with the row claimed": (tell, "claim"),
    "in the telling": (tell, "publish"),
    "with the stop placed": (tell, "block"),
}


if __name__ == "__main__":
    module, name = STEPS[sys.argv[1]]
    setattr(module, name, dying_after(getattr(module, name)))
    tasks.look()
