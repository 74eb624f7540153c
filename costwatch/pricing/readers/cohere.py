"""Cohere bills `billed_units`, not `tokens`; a rerank is billed in search units."""

from costwatch.pricing.readers.reading import Raw, Reading, count, nested, units


def read(raw: Raw, provider: str | None = None) -> Reading:
    """usage of v2, meta of v1, or the billed units themselves."""
    billed = nested(raw, "billed_units") or nested(nested(raw, "meta"), "billed_units")
    counts = billed or nested(raw, "tokens") or raw
    tokens = count(counts, "input_tokens")
    cached = count(raw, "cached_tokens")
    return Reading(
        input_tokens=tokens,
        output_tokens=count(counts, "output_tokens"),
        # cached tokens are told of `tokens`; they are a part of what is billed only as far as they fit into it
        cached_input_tokens=cached if cached is not None and cached <= (tokens or 0) else None,
        units=units(rerank_search=count(counts, "search_units"), classification=count(counts, "classifications")),
    )
