"""Gemini: cached tokens inside the prompt; thoughts outside the candidates, tool-use prompts outside the prompt."""

from collections.abc import Mapping

from costwatch.pricing.readers.reading import Raw, Reading, add, count, text, units

_PROMPT_LISTS = ("promptTokensDetails", "toolUsePromptTokensDetails")
_ANSWER_LISTS = ("candidatesTokensDetails", "responseTokensDetails")
_TRAFFIC = {"ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"}


def generate_content(raw: Raw, provider: str | None = None) -> Reading:
    """usageMetadata of generateContent, the Live API and the Interactions API, in JSON's or Python's spelling."""
    thoughts = count(raw, "thoughtsTokenCount", "thoughts_token_count", "total_thought_tokens")
    prompt = count(raw, "promptTokenCount", "prompt_token_count", "total_input_tokens", "token_count", "tokenCount")
    tools = count(raw, "toolUsePromptTokenCount", "tool_use_prompt_token_count", "total_tool_use_tokens")
    answer = count(
        raw, "candidatesTokenCount", "candidates_token_count", "responseTokenCount", "response_token_count",
        "total_output_tokens",
    )  # fmt: skip
    total = count(raw, "totalTokenCount", "total_token_count")
    if prompt is None and answer is None and total is not None:
        prompt = total  # embeddings
    traffic = text(raw, "trafficType", "traffic_type") or ""
    return Reading(
        input_tokens=add(prompt, tools),
        output_tokens=add(answer, thoughts),
        cached_input_tokens=count(raw, "cachedContentTokenCount", "cached_content_token_count", "total_cached_tokens"),
        reasoning_tokens=thoughts,
        audio_input_tokens=_in_lists(raw, "AUDIO", _PROMPT_LISTS),
        image_input_tokens=_in_lists(raw, "IMAGE", _PROMPT_LISTS),
        audio_output_tokens=_in_lists(raw, "AUDIO", _ANSWER_LISTS),
        image_output_tokens=_in_lists(raw, "IMAGE", _ANSWER_LISTS),
        units=units(
            cached_audio_token=_of(raw, "AUDIO", "cacheTokensDetails"),
            cached_image_token=_of(raw, "IMAGE", "cacheTokensDetails"),
        ),
        service_tier=_TRAFFIC.get(traffic) or text(raw, "serviceTier", "service_tier"),
    )


def _in_lists(raw: Raw, modality: str, lists: tuple[str, ...]) -> int | None:
    return add(*(_of(raw, modality, name) for name in lists))


def _of(raw: Raw, modality: str, camel: str) -> int | None:
    """The tokens of one modality in a list of {modality, tokenCount}."""
    rows = raw.get(camel) or raw.get(_snake(camel))
    if not isinstance(rows, list):
        return None
    found = [
        count(row, "tokenCount", "token_count", "tokens") or 0
        for row in rows
        if isinstance(row, Mapping) and str(row.get("modality", "")).rsplit(".", 1)[-1].upper() == modality
    ]
    return sum(found) if found else None


def _snake(camel: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in camel)
