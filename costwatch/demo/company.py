"""The company of the demo: Larkfield Support, whose agents answer the customers of other companies. It is invented;
how much they send, when and of what length is drawn from measured traffic (traffic.json names the sources)."""

from dataclasses import dataclass

NAME = "Larkfield Support"
TIME_ZONE = "Europe/Berlin"
KEYS = ("agents-prod", "code-review-ci")  # what sends: the support system, and the pipeline of the developers
DAYS = 60

# days before the last day of the history at which things happen
REPORT_SPIKE = 13  # a quarter's figures are computed again
UNPRICED_SINCE = 4  # a preview model that no catalogue knows is tried out
UNPRICED_MODEL = "gemini-3.6-pro-preview-11"
UNPRICED_SHARE = 0.15

TICKETS = 900  # of a weekday in the middle of the history
GROWTH = 0.18  # from the first day to the last
LOOKUPS = 0.67  # of the tickets are looked up, so many
ESCALATED = 0.055  # reach the expensive agent
TRANSLATED = 0.06
EMBEDDED = 0.35  # of look-ups search by meaning first
STAGING = 0.03
ERRORS = 0.012
UNATTRIBUTED_CUSTOMER = 0.015


@dataclass(frozen=True)
class Era:
    """From so many days before the end on: what is deployed. `length`: of prompts, against the first era."""

    days: float
    release: str
    prompt: str
    provider: str
    model: str
    length: float = 1.0


@dataclass(frozen=True)
class Agent:
    """What one agent does in a run; lengths of prompts and answers are those of a kind of traffic, scaled.

    `system`: tokens of the instructions, sent with every call. `follows`: share of a drawn prompt that each
    further call adds to the context. `calls`: of a run, on average. `thinks`: share of an answer that is reasoning.
    """

    name: str
    team: str
    eras: tuple[Era, ...]
    tasks: tuple[tuple[str, int], ...]
    tools: tuple[str, ...]
    lengths: str
    answers: str
    prompt: float
    answer: float
    follows: float
    system: int
    calls: float
    thinks: float = 0.0

    def era(self, days: float) -> Era:
        """What was deployed so many days before the end."""
        return next(era for era in reversed(self.eras) if era.days >= days)


TASKS = (
    ("order-status", 34),
    ("refund-check", 21),
    ("product-question", 19),
    ("address-change", 14),
    ("complaint", 12),
)
TRIAGE = Agent(
    "triage", "support",
    (Era(999, "triage@1.7.3", "p11", "openai", "gpt-5.4-mini"),
     Era(34, "triage@1.8.0", "p12", "openai", "gpt-5.4-mini"),
     Era(16, "triage@1.8.2", "p12", "google", "gemini-3.6-flash")),
    TASKS, (), "conversation", "code", 3.4, 5.0, 0.3, 8_100, 1.35,
)  # fmt: skip
LOOKUP = Agent(
    "lookup", "support",
    (Era(999, "lookup@3.1.4", "p7", "openai", "gpt-5.4-mini"),
     Era(12, "lookup@3.2.0", "p8", "openai", "gpt-5.4-mini", 0.78)),
    TASKS, ("search_help", "get_order", "get_shipment", "get_customer"), "conversation", "conversation", 3.6, 0.9, 2.4,
    8_600, 2.9,
)  # fmt: skip
REASONING = Agent(
    "reasoning", "support",
    (Era(999, "reasoning@2.13.4", "p21", "anthropic", "claude-opus-5-5"),
     Era(25, "reasoning@2.14.0", "p22", "anthropic", "claude-opus-5-5", 1.13)),
    TASKS, ("get_ticket", "get_customer", "list_orders", "get_order", "refund_policy", "list_payments", "get_shipment",
            "get_payment"),
    "long", "reasoning", 0.7, 0.7, 0.17, 5_400, 9.0, 0.55,
)  # fmt: skip
CODE_REVIEW = Agent(
    "code-review", "platform",
    (Era(999, "code-review@0.9.2", "p4", "anthropic", "claude-sonnet-5-5"),
     Era(41, "code-review@0.10.0", "p5", "anthropic", "claude-sonnet-5-5", 1.06)),
    (("pull-request", 80), ("dependency-update", 20)), ("read_file", "grep", "list_changes", "run_tests", "comment"),
    "code", "conversation", 3.6, 1.5, 0.85, 7_800, 11.6, 0.2,
)  # fmt: skip
REPORTS = Agent(
    "report-analysis", "insight",
    (Era(999, "report-analysis@1.4.1", "p9", "google", "gemini-3.1-pro-preview"),
     Era(52, "report-analysis@1.5.0", "p10", "google", "gemini-3.1-pro-preview")),
    (("weekly-report", 50), ("churn-analysis", 30), ("sla-report", 20)), ("run_sql", "load_table", "plot", "summarise"),
    "long", "reasoning", 3.4, 0.9, 0.6, 3_000, 6.1, 0.5,
)  # fmt: skip

# runs of a weekday that no ticket begins, the hours they keep, and what is left of them at the weekend
OFFICE_RUNS = ((CODE_REVIEW, 42, 0.07), (REPORTS, 38, 0.08))
LEGACY_CALLS = 190  # of a weekday: a script from before anybody thought of naming itself
LEGACY = ("openai", "gpt-5.4")
TICKETS_WEEKEND = 0.42
LEGACY_WEEKEND = 0.6

LARGEST = (
    "Orbit Travel", "Pinecrest Bank", "Halden Insurance", "Brightwater Energy", "Fennel Foods", "Nimbus Telecom",
    "Marlow Rail",
)  # fmt: skip
_FIRST = (
    "Alder", "Birchway", "Calder", "Dunmore", "Elmfield", "Foxley", "Garnet", "Hartwell", "Ivybridge", "Juniper",
    "Kestrel", "Linden", "Moorland", "Northgate", "Oakhurst", "Penrose", "Quarry", "Rosemont", "Selby", "Thornton",
)  # fmt: skip
_TRADE = ("Hotels", "Bank", "Energy", "Foods", "Logistics", "Clinics", "Games")
CUSTOMERS = LARGEST + tuple(f"{first} {trade}" for trade in _TRADE for first in _FIRST)
