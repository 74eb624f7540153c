"""`python -m bench [NAME…] [--large] [--long]`: run benchmarks and print the table of figures beside goals."""

import argparse
import importlib
import os
import time

from bench.table import Row, machine, show

NAMES = {
    "ingest": "batches of 1,000 over HTTP against bare COPY; single posts against a view that does nothing",
    "fold": "folding while events come in as fast as they can",
    "whole": "a whole installation under two senders without a pause",
    "queries": "the pages' queries on two shapes of data, and bytes an event",
    "budgets": "watching 10,000 budgets and a template over 100,000 users, against folding",
    "reprice": "a million events repriced while others come in",
    "guard": "the guard's answers at 200 questions a second with 10,000 stops",
    "verdict": "from the call that decides a loop to the guard's stop",
    "alerts": "50 budgets crossed by four senders, from the commit to three sinks",
    "start": "first start, restart, memory of the whole `up`",
    "decode": "microseconds an event before it is stored",
    "pricing": "microseconds a price",
    "loops": "calls a second through the loop detector",
    "forecast": "errors of the forecast on public daily series",
}
USUAL = ("ingest", "fold", "whole", "queries", "reprice", "guard", "verdict", "alerts", "start")
OWN_PRINT = ("decode", "pricing", "loops", "forecast")


def main() -> None:
    """Run what is asked for, in turn, and print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__,
                                     epilog="; ".join(f"{n}: {what}" for n, what in NAMES.items()))  # fmt: skip
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--large", action="store_true", help="queries on 10 million events too (about 20 minutes)")
    parser.add_argument("--long", action="store_true", help="fold and whole for 5 minutes")
    parser.add_argument("--keep", action="store_true", help="keep the databases of `queries` for the next time")
    options = parser.parse_args()
    from bench.server import database_url

    os.environ["DATABASE_URL"] = database_url()
    print(machine(os.environ["DATABASE_URL"]))
    rows: list[Row] = []
    for name in options.names or USUAL:
        began = time.monotonic()
        module = importlib.import_module(f"bench.{name}")
        if name in OWN_PRINT:
            module.main()
            continue
        found = module.run(options)
        rows += found
        print(f"\n{name}: {NAMES[name]} ({time.monotonic() - began:.0f} s)\n{show(found)}", flush=True)
    if len(options.names) != 1 and rows:
        print(f"\nAll\n{show(rows)}")


if __name__ == "__main__":
    main()
