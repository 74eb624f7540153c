"""In processes under libfaketime, which refuses the sleep of Python 3.11 where the monotonic clock is left alone."""

import select
import time

time.sleep = lambda seconds: select.select((), (), (), seconds) and None
