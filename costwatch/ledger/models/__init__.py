"""The books. Facts are append-only and narrow; labels are interned once; rollups can be rebuilt from the facts.

The fact tables are written by SQL only (record, fold, adjust); these models name their columns for readers.
`lane` is the workspace's id: first column of every key, the distribution column when one machine is outgrown.
"""

from costwatch.ledger.models.batches import FeedReader, FoldedBatch, IngestBatch
from costwatch.ledger.models.facts import EventKey, SpendAdjustment, UsageEvent
from costwatch.ledger.models.labels import Attribution, EndUser, Label, LabelKind, Session
from costwatch.ledger.models.measures import USD, USD_SUM, Measures
from costwatch.ledger.models.months import ClosedMonth
from costwatch.ledger.models.rollups import Cut, Run, SpendDay, SpendQuarter
from costwatch.ledger.models.sheets import Sheet, SpendSheet

__all__ = [
    "USD",
    "USD_SUM",
    "Attribution",
    "ClosedMonth",
    "Cut",
    "EndUser",
    "EventKey",
    "FeedReader",
    "FoldedBatch",
    "IngestBatch",
    "Label",
    "LabelKind",
    "Measures",
    "Run",
    "Session",
    "Sheet",
    "SpendAdjustment",
    "SpendDay",
    "SpendQuarter",
    "SpendSheet",
    "UsageEvent",
]
