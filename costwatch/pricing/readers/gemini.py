"""Gemini: cached tokens inside the prompt; thoughts outside the candidates, tool-use prompts outside the prompt."""

from collections.abc import Mapping

from costwatch.pricing.readers.reading import Raw, Reading, add, count, text, units

_PROMPT_LISTS = (
    "promptTokensDetails", "toolUsePromptTokensDetails", "prompt_tokens_details", "tool_use_prompt_tokens_details",
)  # fmt: skip
_ANSWER_LISTS = (
    "candidatesTokensDetails", "responseTokensDetails", "candidates_tokens_details", "response_tokens_details",
)  # fmt: skip
_CACHE_LISTS = ("cacheTokensDetails", "cache_tokens_details")
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
    if prompt is None and answer is None:
        prompt = count(raw, "totalTokenCount", "total_token_count")  # embeddings
    heard, made, cached = (_by_modality(raw, lists) for lists in (_PROMPT_LISTS, _ANSWER_LISTS, _CACHE_LISTS))
    traffic = text(raw, "trafficType", "traffic_type") or ""
    return Reading(
        input_tokens=add(prompt, tools),
        output_tokens=add(answer, thoughts),
        cached_input_tokens=count(raw, "cachedContentTokenCount", "cached_content_token_count", "total_cached_tokens"),
        reasoning_tokens=thoughts,
        audio_input_tokens=heard.get("AUDIO"),
        image_input_tokens=heard.get("IMAGE"),
        audio_output_tokens=made.get("AUDIO"),
        image_output_tokens=made.get("IMAGE"),
        units=units(
            cached_audio_token=cached.get("AUDIO"),
            cached_image_token=cached.get("IMAGE"),
            input_video=heard.get("VIDEO"),
            output_video=made.get("VIDEO"),
        ),
        service_tier=_TRAFFIC.get(traffic) or text(raw, "serviceTier", "service_tier"),
    )


def _by_modality(raw: Raw, names: tuple[str, ...]) -> dict[str, int]:
    """Modality -> tokens, over lists of {modality, tokenCount}."""
    found: dict[str, int] = {}
    for name in names:
        rows = raw.get(name)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping):
                modality = str(row.get("modality", "")).rsplit(".", 1)[-1].upper()
                found[modality] = found.get(modality, 0) + (count(row, "tokenCount", "token_count", "tokens") or 0)
    return found
