"""A Python of the product that runs what it is told: `python -m tests.console`, a line of JSON for each piece of code.

To start Django takes a second; a test does many small things beside a running server.
"""

import contextlib
import io
import json
import sys
import traceback


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        said, trouble = io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(said):
                exec(json.loads(line), {})
        except Exception:
            trouble = traceback.format_exc()
        print(json.dumps([said.getvalue(), trouble]), flush=True)


if __name__ == "__main__":
    main()
