"""Requests and tokens of each minute by provider, model and API key, out of the events of a few hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from costwatch.accounts.models import ApiKey
from costwatch.ledger.rows import said
from costwatch.spend.conditions import names_of

LONGEST = timedelta(hours=24)
# what providers' libraries and gateways call an answer 429: RateLimitError, rate_limit_exceeded, ThrottlingException …
THROTTLED = r"(rate.?limit|throttl|too.?many.?requests|resource.?exhausted|quota|(^|\D)429(\D|$))"
_MINUTES = f"""
SELECT date_trunc('minute', e.occurred_at), a.provider_id, a.model_id, a.key_id, sum({said("requests")})::bigint,
       coalesce(sum(e.input_tokens), 0)::bigint, coalesce(sum(e.cached_input_tokens), 0)::bigint,
       coalesce(sum(e.output_tokens), 0)::bigint,
       coalesce(sum({said("requests")}) FILTER (WHERE e.error AND e.error_type ~* %s), 0)::bigint
  FROM usage_event e JOIN attribution a ON a.id = e.attribution_id
 WHERE e.lane = %s AND e.occurred_at >= %s AND e.occurred_at < %s
 GROUP BY 1, 2, 3, 4 ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Minute:
    """What one API key asked of one model in one minute (UTC). `throttled` requests were refused for a limit."""

    at: datetime
    provider: str
    model: str
    key: str
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    throttled: int


def minutes(workspace: Any, start: datetime, end: datetime) -> list[Minute]:
    """The minutes with calls of [start, end), at most LONGEST; in order of time."""
    start = max(start, end - LONGEST)
    with connection.cursor() as cursor:
        cursor.execute(_MINUTES, [THROTTLED, workspace.lane, start, end])
        rows = cursor.fetchall()
    providers = names_of("provider", {row[1] for row in rows})
    models = names_of("model", {row[2] for row in rows})
    keys = dict(ApiKey.objects.filter(pk__in={row[3] for row in rows}).values_list("pk", "name"))
    return [
        Minute(at, providers.get(provider, ""), models.get(model, ""), keys.get(key, ""), *counts)
        for at, provider, model, key, *counts in rows
    ]
