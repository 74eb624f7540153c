"""Which known field a stranger's name was meant to be. Pure.

An ignored `agent` or `inputTokens` would be money without an owner or a call without tokens, and nobody would notice;
so a name that looks like a known one is refused with the right one in the message. Anything else may be sent.
"""

from functools import lru_cache

from ingest.wire import RULES

LONGEST = 64  # a longer name is not a misspelling
# what the same thing is called by its provider, in other products, or in our own reading API
OTHER_NAMES = {
    "agent": "agent_id", "agent_name": "agent_id", "user": "user_id", "end_user": "user_id", "end_user_id": "user_id",
    "run": "run_id", "session": "session_id", "conversation_id": "session_id", "task_id": "task", "env": "environment",
    "model_name": "model", "provider_name": "provider", "tag": "tags", "time": "timestamp", "created_at": "timestamp",
    "idempotency_key": "event_id", "cost": "cost_usd", "latency": "latency_ms", "duration_ms": "latency_ms",
    "prompt_tokens": "input_tokens", "completion_tokens": "output_tokens", "cached_tokens": "cached_input_tokens",
    "cache_read_tokens": "cached_input_tokens", "cache_read_input_tokens": "cached_input_tokens",
    "cache_creation_input_tokens": "cache_write_tokens", "tokens_in": "input_tokens", "tokens_out": "output_tokens",
    "events": "events",
}  # fmt: skip


def meant(name: str) -> str | None:
    """The known field that `name` looks like, or None if it is a field of the sender's own."""
    return _meant(name) if len(name) <= LONGEST else None


@lru_cache(maxsize=4096)
def _meant(name: str) -> str | None:
    if name in RULES:
        return None
    words = _words(name)
    if (exact := _KNOWN.get(_order(words))) is not None:
        return exact
    word = words.replace("_", "")
    near = [(squeezed, known) for squeezed, known in _SQUEEZED if abs(len(squeezed) - len(word)) <= 2]
    for squeezed, known in near:
        if _distance(word, squeezed) <= _tolerance(squeezed):
            return known
    return None


def _order(words: str) -> str:
    """tokens_input and input_tokens are the same words."""
    return "_".join(sorted(words.split("_")))


def _words(name: str) -> str:
    """inputTokens, Input-Tokens, input.tokens -> input_tokens; userID -> user_id."""
    out = ""
    for i, letter in enumerate(name):
        if letter.isupper() and i and name[i - 1].islower():
            out += "_"
        out += letter.lower() if letter.isalnum() else "_"
    return out.strip("_")


def _tolerance(known: str) -> int:
    """Misspellings forgiven: one in a short name, two in a long one; three letters (`api`) must be exact."""
    return 0 if len(known) <= 3 else 1 if len(known) <= 7 else 2


def _distance(a: str, b: str) -> int:
    """Letters added, left out, swapped or changed. A change counts double in a short word: `stop` is not `step`."""
    change = 2 if len(b) <= 4 else 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        two_before, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (0 if x == y else change))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, two_before[j - 2] + 1)
            row.append(best)
        if min(row) > 2:
            return 3
    return row[-1]


_SQUEEZED = [(name.replace("_", ""), name) for name in RULES]
_KNOWN = {_order(name): right for name, right in (*OTHER_NAMES.items(), *((n, n) for n in RULES), *_SQUEEZED)}
