"""Providers and models by all the names that they go by, and none by a prefix."""

import pytest

from costwatch.pricing import names


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("gcp.gemini", "google"), ("gcp.vertex_ai", "vertex"), ("aws.bedrock", "bedrock"), ("az.ai.openai", "azure"),
        ("x_ai", "xai"), ("mistral_ai", "mistral"), ("vertex_ai", "vertex"), ("azure", "azure"), ("bedrock", "bedrock"),
        ("voyageai", "voyageai"), ("google", "google"), ("vertex", "vertex"), ("xai", "xai"), ("OpenAI ", "openai"),
        ("gemini", "google"), ("azure.ai.openai", "azure"), ("x-ai", "xai"), ("bedrock_converse", "bedrock"),
        ("openai.responses", "openai"), ("Acme", "acme"),
    ],
)  # fmt: skip
def test_providers_have_one_name_each(sent, known):
    assert names.canonical_provider(sent) == known


@pytest.mark.parametrize(
    ("provider", "sent", "known"),
    [
        ("openai", "GPT-4.1", "gpt-4.1"),
        ("openai", "openai/gpt-4.1", "gpt-4.1"),
        ("google", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("vertex", "projects/p/locations/us/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("anthropic", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("vertex", "claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("vertex", "claude-opus-4-6@default", "claude-opus-4-6"),
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("mistral", "codestral-2508", "codestral"),
        ("openai", "gpt-4-0613", "gpt-4"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:globex::Zz91", "ft:gpt-4o-mini"),
        ("azure", "gpt-4o-mini-2024-07-18.ft-0a1b", "ft:gpt-4o-mini"),
        ("azure", "azure/us/gpt-4o", "gpt-4o"),
        ("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5"),
        (
            "bedrock",
            "bedrock/converse/us-east-1/anthropic.claude-haiku-4-5-20251001-v1:0",
            "anthropic.claude-haiku-4-5",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
            "anthropic.claude-haiku-4-5",
        ),
        ("openrouter", "openrouter/anthropic/claude-opus-4.5", "anthropic/claude-opus-4.5"),
    ],
)
def test_a_model_is_looked_up_under_the_plain_name_too(provider, sent, known):
    assert known in list(names.candidates(provider, sent))


def test_the_exact_name_comes_before_the_one_without_its_date():
    assert list(names.candidates("openai", "gpt-4o-2024-05-13")) == ["gpt-4o-2024-05-13", "gpt-4o"]


@pytest.mark.parametrize("name", ["gpt-5.1", "claude-opus-4-1", "llama2-70b-4096", "mixtral-8x7b-32768", "o3-mini"])
def test_a_version_is_no_date(name):
    assert names.without_date(name) is None


def test_another_bedrock_version_can_be_another_model():
    assert names.bedrock_name("amazon.titan-embed-text-v2:0")[0] == "amazon.titan-embed-text-v2"
    assert names.bedrock_name("amazon.titan-embed-text-v1")[0] == "amazon.titan-embed-text"


@pytest.mark.parametrize(
    ("provider", "model", "region", "expected"),
    [
        ("bedrock", "global.anthropic.claude-opus-5", None, "global"),
        ("bedrock", "eu.anthropic.claude-opus-5", None, "regional"),
        ("bedrock", "anthropic.claude-opus-5", "global", "global"),
        ("azure", "gpt-4o", "global", ""), ("azure", "gpt-4o", "eastus", ""), ("azure", "gpt-4o", "us", "datazone"),
        ("azure", "gpt-4o", "eu-datazone", "datazone-eu"), ("azure", "azure/us/gpt-4o", None, "datazone"),
        ("vertex", "claude-opus-5", "us-east5", "regional"), ("vertex", "claude-opus-5", "global", ""),
        ("anthropic", "claude-opus-5", "us", "us"), ("anthropic", "claude-opus-5", "not_available", ""),
        ("openai", "gpt-5.4", "eu", "regional"), ("openai", "gpt-5.4", None, ""),
    ],
)  # fmt: skip
def test_regions_that_change_the_price_have_a_class(provider, model, region, expected):
    assert names.region_class(provider, model, region) == expected


@pytest.mark.parametrize(
    ("tier", "batch", "expected"),
    [(None, False, "standard"), ("default", False, "standard"), ("auto", False, "standard"), ("flex", False, "flex"),
     ("Priority", False, "priority"), ("batch", False, "batch"), ("standard", True, "batch"),
     ("priority", True, "batch")],
)  # fmt: skip
def test_the_tier_served_names_the_variant(tier, batch, expected):
    assert names.variant(tier, batch) == expected
