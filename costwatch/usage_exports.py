"""Providers' own usage exports as events: OpenAI's and Anthropic's usage reports, one event for each bucket and group.

A bucket sums many requests, so it carries `requests` and never meets a context tier. Counts by the providers'
definitions (both admin APIs, October 2026): OpenAI's input contains the cached part, Anthropic's does not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from costwatch.trouble import Trouble

Event = dict[str, Any]


def events(document: object, name: str) -> Iterable[Event]:
    """The events of a usage report (a page, or a list of pages). Raises Trouble for anything else."""
    pages = document if isinstance(document, list) else [document]
    for page in pages:
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise Trouble(f"{name} is no usage report of OpenAI or Anthropic: there is no list named data in it.")
        for number, bucket in enumerate(page["data"], 1):
            try:
                found = [_with_id(_event(bucket, result, name)) for result in bucket.get("results", [])]
            except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError) as fault:
                told = f"{name}: bucket {number} is not as OpenAI or Anthropic write it"
                raise Trouble(f"{told} ({type(fault).__name__}: {fault}).") from None
            yield from found


def _event(bucket: Event, result: Event, name: str) -> Event:
    if "num_model_requests" in result:
        return _openai(bucket, result)
    if "uncached_input_tokens" in result:
        return _anthropic(bucket, result)
    raise Trouble(f"{name}: a bucket has neither OpenAI's num_model_requests nor Anthropic's uncached_input_tokens.")


def _openai(bucket: Event, result: Event) -> Event:
    return {
        "timestamp": bucket["start_time"],
        "provider": "openai",
        "model": result.get("model") or "unknown",
        "api": "openai.usage_bucket",
        "usage": result,
        "requests": max(1, int(result["num_model_requests"])),
        "batch": bool(result.get("batch")),
        "user_id": result.get("user_id") or "",
        "tags": _tags(result, "project_id", "api_key_id"),
    }


def _anthropic(bucket: Event, result: Event) -> Event:
    written = result.get("cache_creation") or {}
    short, long = int(written.get("ephemeral_5m_input_tokens", 0)), int(written.get("ephemeral_1h_input_tokens", 0))
    read = int(result.get("cache_read_input_tokens", 0))
    tools = result.get("server_tool_use") or {}
    return {
        "timestamp": bucket["starting_at"],
        "provider": "anthropic",
        "model": result.get("model") or "unknown",
        "input_tokens": int(result["uncached_input_tokens"]) + read + short + long,
        "cached_input_tokens": read,
        "cache_write_tokens": short,
        "cache_write_1h_tokens": long,
        "output_tokens": int(result.get("output_tokens", 0)),
        "units": {"web_search": int(tools["web_search_requests"])} if tools.get("web_search_requests") else {},
        # the report does not say how many requests a bucket sums up; two keep a context tier from being applied
        "requests": max(2, int(result.get("num_requests") or 2)),
        "batch": result.get("service_tier") == "batch",
        "tags": _tags(result, "workspace_id", "api_key_id"),
    }


def _tags(result: Event, *names: str) -> dict[str, str]:
    return {name: str(result[name]) for name in names if result.get(name)}


def _with_id(event: Event) -> Event:
    """The same bucket and group is the same event in every export, so that a longer export adds only what is new."""
    at = event["timestamp"]
    moment = datetime.fromtimestamp(at, UTC).isoformat() if isinstance(at, int) else at
    what = f"{moment} {event['provider']} {event['model']} {event.get('user_id')} {sorted(event['tags'].items())}"
    what += f" {event['batch']}"
    return {**event, "event_id": "export-" + blake2b(what.encode(), digest_size=12).hexdigest()}
