"""Names: which provider, which model, which region class. Pure; never by bare prefix (gpt-5.1 is not gpt-5)."""

import re
from collections.abc import Iterator

_PROVIDER_NAMES: dict[str, tuple[str, ...]] = {
    "anthropic": ("claude",),
    "openai": ("openai_chat", "open_ai", "text-completion-openai", "openai.responses", "openai_responses", "codex"),
    "google": (
        "gemini",
        "gcp.gemini",
        "gcp.gen_ai",
        "google_ai_studio",
        "google_genai",
        "google-genai",
        "google.gemini",
        "google_generativeai",
        "google-generative-ai",
        "google.generative-ai",
        "googleai",
        "google-ai-studio",
        "google_ai",
        "google-gla",
    ),
    "vertex": (
        "vertex_ai",
        "vertexai",
        "vertex-ai",
        "vertex_ai_beta",
        "gcp.vertex_ai",
        "google-vertex",
        "google_vertex",
        "google.vertex",
        "google_vertexai",
        "google_vertex_ai",
        "google-vertex-ai",
        "google.vertex_ai",
        "gcp",
        "google-vertex-anthropic",
        "vertex_ai-anthropic_models",
        "vertex_ai-language-models",
        "vertex_ai-embedding-models",
    ),
    "bedrock": (
        "aws.bedrock",
        "aws_bedrock",
        "aws-bedrock",
        "amazon-bedrock",
        "amazon_bedrock",
        "aws",
        "amazon",
        "bedrock_converse",
        "bedrock-converse",
        "amazon bedrock",
        "bedrock_mantle",
    ),
    "azure": (
        "az.ai.openai",
        "az.ai.inference",
        "azure.ai.openai",
        "azure.ai.inference",
        "azure_openai",
        "azure-openai",
        "azure_ai",
        "azure-ai",
        "azure.openai",
        "azureopenai",
        "azure openai",
        "azure_text",
        "azure_ai_inference",
        "azure-ai-inference",
        "microsoft.foundry",
        "azure_ai_foundry",
    ),
    "xai": ("x_ai", "x-ai", "x.ai", "grok"),
    "mistral": ("mistral_ai", "mistralai", "mistral-ai", "codestral", "text-completion-codestral"),
    "cohere": ("cohere_chat", "cohereai"),
    "deepseek": ("deep_seek", "deepseek-ai", "deepseekai"),
    "groq": ("groqcloud",),
    "voyageai": ("voyage", "voyage_ai", "voyage-ai"),
    "openrouter": ("open_router", "open-router"),
    "ollama": ("ollama_chat",),
    "perplexity": ("perplexity_ai", "perplexity-ai", "pplx"),
    "together": ("together_ai", "together-ai", "togetherai"),
    "fireworks": ("fireworks_ai", "fireworks-ai", "fireworksai"),
    "moonshotai": ("moonshot", "moonshot_ai", "moonshot-ai", "kimi"),
    "zai": ("z_ai", "z-ai", "z.ai"),
    "zhipuai": ("zhipu", "zhipu_ai", "bigmodel"),
    "ibm": ("ibm.watsonx.ai", "watsonx"),
    "cerebras": ("cerebras_ai",),
    "alibaba": ("dashscope", "qwen", "alibaba_cloud", "alibaba-cloud", "qwencloud"),
    "elevenlabs": ("eleven_labs",),
    "github-copilot": ("github_copilot", "copilot"),
    "meta": ("meta_llama", "llama_api"),
    "ai21": ("ai21_labs",),
    "lmstudio": ("lm_studio", "lm-studio"),
    "llamacpp": ("llama_cpp", "llama.cpp", "llama-cpp"),
    "vllm": ("hosted_vllm",),
    "self-hosted": ("self_hosted", "selfhosted", "local", "localhost"),
}
_CANONICAL = {alias: name for name, aliases in _PROVIDER_NAMES.items() for alias in (name, *aliases)}

# our own machines: nothing is billed for a call
FREE_PROVIDERS = frozenset({"ollama", "lmstudio", "llamacpp", "vllm", "self-hosted", "localai", "llamafile", "mlx"})
# programs in between that bill nothing themselves: the model's name tells whose price it is
GATEWAYS = frozenset({"litellm", "litellm_proxy", "portkey", "helicone", "langchain", "gateway", "custom_openai"})
# whose prices hold where a provider resells another's models and has no price of its own
RESOLD = {
    "vertex": ("google", "anthropic"),
    "google": ("vertex",),
    "azure": ("openai", "anthropic", "xai"),
}
_GEO = re.compile(r"^(us-gov|us|eu|apac|au|jp|ca|in|sa|me|af|global)\.(?=[a-z0-9-]+\.)")
_BEDROCK_TAIL = re.compile(r"(-v1)?(:\d+)?(:\d+k|:mm)?$")  # -v2 can be another model (Titan)
_BRACKETS = re.compile(r"\[[^\]]*\]$")
_REGION_SEGMENT = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_DATE = re.compile(
    r"-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"  # -2025-04-14
    r"|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"  # -20250414
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"  # -0414
    r"|2[3-9](?:0[1-9]|1[0-2]))$"  # -2504
)


def canonical_provider(name: str) -> str:
    """The one name under which we know a provider: `gcp.vertex_ai` is `vertex`. Unknown ones in lower case."""
    lowered = name.strip().lower()
    return _CANONICAL.get(lowered, lowered)


def split_router(model: str) -> tuple[str | None, str]:
    """`azure/gpt-4o` -> ("azure", "gpt-4o"): the provider that a router's prefix names, and the rest."""
    head, slash, rest = model.strip().lower().partition("/")
    if slash and rest and (head in _CANONICAL or head in GATEWAYS):
        return _CANONICAL.get(head), rest
    return None, model.strip().lower()


def base_name(model: str) -> str:
    """The name without what only says where it is found: resource paths, `models/`, ARN heads, `[1m]`."""
    name = _BRACKETS.sub("", model.strip().lower())
    if name.startswith("arn:"):
        return name.rsplit("/", 1)[-1]
    for marker in ("publishers/", "projects/", "locations/"):
        if name.startswith(marker) and "/models/" in name:
            return name.rsplit("/models/", 1)[-1]
    return name.removeprefix("models/").removeprefix("tunedmodels/")


def without_date(name: str) -> str | None:
    """The name without its date suffix, None when it has none."""
    shorter = _DATE.sub("", name)
    return shorter if shorter != name and shorter else None


def bedrock_name(name: str) -> tuple[str, str]:
    """(model id without geography and version suffix, "global" or "regional") of an Amazon Bedrock id."""
    region = "global" if name.startswith("global.") else "regional"
    return _BEDROCK_TAIL.sub("", _GEO.sub("", name)), region


def candidates(provider: str, model: str) -> Iterator[str]:
    """Names under which the model may be known at this provider, the most exact first."""
    name = base_name(model)
    yield from _forms(provider, name)
    while "/" in name:
        head, _, name = name.partition("/")
        if head not in _CANONICAL and head not in GATEWAYS and not _plain_segment(head):
            return
        name = base_name(name)
        yield from _forms(provider, name)


def _plain_segment(head: str) -> bool:
    """A path segment of a router that is no part of a model's name: `converse`, `us-east-1`."""
    return head in {"converse", "invoke", "global", "global-standard", "models", "responses", "us", "eu"} or bool(
        _REGION_SEGMENT.match(head)
    )


def _forms(provider: str, name: str) -> Iterator[str]:
    if name.startswith("ft:") or ".ft-" in name:
        name = _fine_tuned(name)
    elif provider == "bedrock":
        name = bedrock_name(name)[0]
        if name.startswith("claude-"):
            yield f"anthropic.{name}"
            name = f"anthropic.{name}"
    yield name
    if "@" in name:
        plain, _, stamp = name.partition("@")
        yield f"{plain}-{stamp}"
        if stamp in ("default", "latest") or _DATE.fullmatch(f"-{stamp}") or stamp.isdigit():
            yield plain
        return
    shorter = without_date(name)
    if shorter:
        yield shorter


def _fine_tuned(name: str) -> str:
    """The fine-tune entry of the base model: `ft:BASE:org:name:id` and `BASE.ft-id` are `ft:BASE`."""
    if name.startswith("ft:"):
        return "ft:" + name.split(":")[1]
    return "ft:" + name.partition(".ft-")[0]


def region_class(provider: str, model: str, region: str | None) -> str:
    """Which regional price holds: "" = the standard one. A region that changes no price has no class."""
    if provider == "bedrock":
        name = base_name(model).rsplit("/", 1)[-1]
        return "global" if name.startswith("global.") or (region or "").lower() == "global" else "regional"
    place = (region or "").strip().lower()
    if provider == "azure" and not place:
        place = next((part for part in model.lower().split("/")[:-1] if part in ("us", "eu")), "")
    if place in ("", "global", "default", "not_available", "worldwide"):
        return ""
    if provider == "azure":
        # the region of an Azure resource says nothing about the kind of its deployments
        if place == "eu" or ("eu" in place and "zone" in place):
            return "datazone-eu"
        return "datazone" if "zone" in place or place == "us" else ""
    if provider == "anthropic":
        return "us" if place.startswith("us") else ""
    return "regional"


def variant(service_tier: str | None, batch: bool) -> str:
    """The price variant that a call was served with; tiers without a price of their own are standard."""
    tier = (service_tier or "").strip().lower()
    if batch or tier in ("batch", "batches"):
        return "batch"
    return tier if tier in ("flex", "priority", "fast", "ultrafast") else "standard"
