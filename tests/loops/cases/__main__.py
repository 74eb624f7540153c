"""Print the table of docs/loops.md: `python -m tests.loops.cases [first seed]`."""

import sys

from tests.loops.cases.growth import GROWTH
from tests.loops.cases.kinds import FIRST_SEED, rows
from tests.loops.cases.longer import LONGER
from tests.loops.cases.pingpong import PINGPONG
from tests.loops.cases.restarts import RESTARTS
from tests.loops.cases.retries import RETRIES

ALL = (RETRIES, GROWTH, PINGPONG, RESTARTS, LONGER)

if __name__ == "__main__":
    first = int(sys.argv[1]) if len(sys.argv) > 1 else FIRST_SEED
    for neighbour in ALL:
        print(*rows(neighbour, neighbour.counts(first)), sep="\n")
