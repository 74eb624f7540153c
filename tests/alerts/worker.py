"""A delivering process of its own: `python -m tests.alerts.worker run`, or one that dies at a named step."""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "costwatch.settings"

import django

django.setup()

from costwatch.alerts import compose, deliver, queue  # noqa: E402  needs Django to be ready

STEPS: dict[str, tuple[Any, str]] = {
    "in the claim": (compose, "_made"),
    "after the claim": (queue, "claim"),
    "after the send": (deliver, "attempt"),
    "in the record": (queue, "_settle"),
    "before the end of the record": (queue, "record"),
    "after the record": (deliver, "written"),
}


def die() -> None:
    """kill -9, from within: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def dying_after(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and then the end."""

    def dies(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        die()

    return dies


def main(what: str) -> None:
    """Work for ever, or until the step."""
    if what in STEPS:
        module, name = STEPS[what]
        setattr(module, name, dying_after(getattr(module, name)))
    print("ready", flush=True)
    while True:
        deliver.senders.ring()
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1])
