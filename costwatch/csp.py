"""What browsers report that the Content-Security-Policy refused: one log line and a count each, never an error.

Anybody may post here, so nothing in a report is believed: it is small, cut, and printed without control characters.
"""

import json
import logging
import re
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from costwatch.accounts.access import public
from costwatch.metrics import CSP_REPORTS

log = logging.getLogger(__name__)
MOST_BYTES = 16 * 1024
MOST_AT_ONCE = 20  # reports in one request; browsers send those of about a minute together
LINES_A_MINUTE = 10  # a process's, so that nobody fills the log
LONGEST = 200
MOST_LINES = 10_000_000
EXTENSION = re.compile(r"^[a-z-]+-extension:", re.IGNORECASE)
# (as report-uri sends it, as report-to does)
DIRECTIVE: Final = ("effective-directive", "violated-directive", "effectiveDirective")
BLOCKED: Final = ("blocked-uri", "blockedURL")
PAGE: Final = ("document-uri", "documentURL")
SOURCE: Final = ("source-file", "sourceFile")
LINE: Final = ("line-number", "lineNumber")
_written: deque[float] = deque(maxlen=LINES_A_MINUTE)


@public
@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Take the reports of a browser; 204 whatever it sends."""
    body = request.read(MOST_BYTES + 1)
    reports = list(read(body)) if len(body) <= MOST_BYTES else []
    if not reports:
        CSP_REPORTS.labels("unreadable").inc()
    for report in reports[:MOST_AT_ONCE]:
        CSP_REPORTS.labels(_tell(report)).inc()
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def read(body: bytes) -> Iterator[dict[str, Any]]:
    """The violations in a body, be it of report-uri (one object) or of the Reporting API (a list); none of anything
    else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    for one in found if isinstance(found, list) else [found]:
        inner = (one.get("csp-report") or one.get("body")) if isinstance(one, dict) else None
        if isinstance(inner, dict) and _first(inner, DIRECTIVE):
            yield inner


def sentence(report: dict[str, Any]) -> str:
    """One line: what was refused, on which page, asked for by what."""
    source = _address(_first(report, SOURCE))
    line = _first(report, LINE)
    at = f":{line}" if isinstance(line, int) and 0 < line < MOST_LINES else ""
    asked = f", asked for by {source}{at}" if source else ""
    blocked = _address(_first(report, BLOCKED)) or "something"
    page = re.sub(r"^\w+://[^/]*", "", _address(_first(report, PAGE))) or "/"
    return f"{_plain(_first(report, DIRECTIVE))} refused {blocked} on {page}{asked}"


def _tell(report: dict[str, Any]) -> str:
    """Write the line; what became of the report."""
    if any(EXTENSION.match(str(_first(report, names))) for names in (BLOCKED, SOURCE)):
        return "extension"
    now = time.monotonic()
    if len(_written) == LINES_A_MINUTE and now - _written[0] < 60:
        return "limited"
    _written.append(now)
    log.warning("Content-Security-Policy: %s", sentence(report))
    return "logged"


def _first(report: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((report[name] for name in names if report.get(name)), "")


def _address(value: Any) -> str:
    """An address without what may hold names that nobody should find in a log."""
    return _plain(re.split(r"[?#]", value, maxsplit=1)[0]) if isinstance(value, str) else ""


def _plain(value: Any) -> str:
    text = str(value)[: LONGEST + 1]
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "".join(c if c.isprintable() else "?" for c in cut)
