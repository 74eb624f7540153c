"""A workspace that is new is known to the planner soon, also where others have millions of rows."""

from django.db import migrations

SOONER = "autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 200"  # a tenth of the table as usual


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_received_in_the_feed")]

    operations = [
        migrations.RunSQL(
            f'ALTER TABLE "{table}" SET ({SOONER})',
            f'ALTER TABLE "{table}" RESET (autovacuum_analyze_scale_factor, autovacuum_analyze_threshold)',
        )
        for table in ("run", "session", "end_user")
    ]
