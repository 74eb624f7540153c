"""Small requests that arrive at the same time are stored in one transaction: one commit, one set of statements.

Whoever comes while nobody stores, stores for all who wait, itself among them; when it is done, the first of those who
came meanwhile goes on. Nobody waits for company: alone, a request is stored at once.
"""

from collections.abc import Sequence
from threading import Event, Lock

from costwatch.ledger.entry import Entry
from costwatch.ledger.record import StorageUnavailable
from costwatch.ledger.record import record as record_alone

SMALL = 100  # entries; larger requests gain nothing by sharing a transaction
MOST = 5_000  # entries in one transaction


class _Request:
    """What one request wants stored, and what became of it."""

    def __init__(self, lane: int, entries: Sequence[Entry]) -> None:
        self.lane, self.entries = lane, entries
        self.woken = Event()
        self.duplicates: list[int] | None = None
        self.trouble: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.duplicates is not None or self.trouble is not None


_lock = Lock()
_waiting: list[_Request] = []
_storing = False


def record(lane: int, entries: Sequence[Entry]) -> list[int]:
    """`ledger.record.record`, perhaps in one transaction with other requests; the same result, the same exceptions."""
    global _storing
    if not 0 < len(entries) <= SMALL:
        return record_alone(lane, entries)
    own = _Request(lane, entries)
    with _lock:
        _waiting.append(own)
        waits = _storing
        _storing = True
    if waits:
        own.woken.wait()
    if not own.done:
        try:
            _store_all(_take())
        finally:
            if isinstance(own.trouble, StorageUnavailable):
                _fail_all(_take(), own.trouble)
            _hand_on()
    if own.trouble is not None:
        raise own.trouble
    return own.duplicates or []


def _take() -> list[_Request]:
    """The requests that wait, as many as fit: the one that takes them is the first."""
    with _lock:
        count = size = 0
        while count < len(_waiting) and (not count or size + len(_waiting[count].entries) <= MOST):
            size += len(_waiting[count].entries)
            count += 1
        taken = _waiting[:count]
        del _waiting[:count]
    return taken


def _fail_all(requests: list[_Request], trouble: StorageUnavailable) -> None:
    """Who came while the database did not answer is told so now, instead of waiting for it once more."""
    for request in requests:
        request.trouble = trouble
        request.woken.set()


def _hand_on() -> None:
    """Let the first that waits store next, if one does."""
    global _storing
    with _lock:
        _storing = bool(_waiting)
        following = _waiting[0] if _waiting else None
    if following is not None:
        following.woken.set()


def _store_all(requests: list[_Request]) -> None:
    """Store them, those of one workspace at a time; each is woken whatever happens."""
    try:
        for lane in dict.fromkeys(request.lane for request in requests):
            _store(lane, [request for request in requests if request.lane == lane])
    except BaseException as trouble:  # the process is to end: nobody may be left waiting
        for request in requests:
            request.trouble = request.trouble or (None if request.done else trouble)
        raise
    finally:
        for request in requests:
            request.woken.set()


def _store(lane: int, requests: list[_Request]) -> None:
    try:
        found = set(record_alone(lane, [entry for request in requests for entry in request.entries]))
    except StorageUnavailable as trouble:
        for request in requests:
            request.trouble = trouble
    except Exception as trouble:
        if len(requests) == 1:
            requests[0].trouble = trouble
        else:  # one of them is at fault, not all
            for request in requests:
                _store(lane, [request])
    else:
        first = 0
        for request in requests:
            request.duplicates = [i for i in range(len(request.entries)) if first + i in found]
            first += len(request.entries)
