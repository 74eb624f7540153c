from pathlib import Path

from django.db import migrations, models

from costwatch.ledger.models.measures import Amount, Count, ShortCount

SQL = Path(__file__).parent / "sql"
COUNTS = (
    "events", "calls", "errors", "runs", "unpriced_calls", "unknown_calls", "input_tokens", "cached_input_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens",
)  # fmt: skip
AMOUNTS = ("cost", "error_cost", "upper_bound")
SHORT = (("run", "events"), ("run", "runs"))
USD_SUM = {"max_digits": 30, "decimal_places": 12}
MEASURED = ("spendday", "spendquarter", "run", "spendadjustment")


def _fields():
    for model in MEASURED:
        yield from ((model, name, Count(null=True)) for name in COUNTS if (model, name) not in SHORT)
        yield from ((model, name, Amount(null=True, **USD_SUM)) for name in AMOUNTS if (model, name) != ("run", "cost"))
    yield from ((model, name, ShortCount(null=True)) for model, name in SHORT)
    yield "run", "cost", Amount(db_default=0, **USD_SUM)
    yield "run", "end_user_id", models.IntegerField(null=True)
    for model, name in (("spendday", "a"), ("spendquarter", "a")):
        yield model, name, models.IntegerField()
    yield "spendday", "b", models.IntegerField(default=0)
    yield "enduser", "id", models.AutoField(primary_key=True, serialize=False)
    yield "usageevent", "requests", models.IntegerField(null=True)
    for name in ("error", "starts_run", "batch", "usage_inconsistent"):
        yield "usageevent", name, models.BooleanField(null=True)
    yield "usageevent", "event_id", models.TextField(null=True)


class Migration(migrations.Migration):
    """10 million events, 3.5 million runs: see docs/decisions/2026-11-26-fewer-bytes.md for what it takes."""

    dependencies = [("ledger", "0006_sheets_of_days")]

    operations = [
        migrations.RunSQL(
            (SQL / "0007_fewer_bytes.sql").read_text(),
            state_operations=[
                migrations.RemoveField("eventkey", "batch_id"),
                migrations.RemoveField("eventkey", "day"),
                migrations.AddField(
                    "eventkey",
                    "second",
                    models.IntegerField(help_text="in which the event occurred, counted from 2020", default=0),
                    preserve_default=False,
                ),
                migrations.AlterField(
                    "eventkey",
                    "pk",
                    models.CompositePrimaryKey(
                        "event_key", "lane", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                *(migrations.AlterField(*field) for field in _fields()),
                migrations.RemoveIndex("run", "run_dearest"),
                migrations.AddIndex("run", models.Index(fields=["lane", "-cost"], name="run_dearest")),
                migrations.RemoveIndex("run", "run_session"),
                migrations.AddIndex("run", models.Index(fields=["session_id"], name="run_session",
                                                        condition=models.Q(session_id__isnull=False))),  # fmt: skip
            ],
        ),
    ]
