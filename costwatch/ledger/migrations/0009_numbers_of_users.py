from django.db import migrations, models

# the view names the column
_NARROWER = """
DO $$
DECLARE
    entries text := pg_get_viewdef('ledger_entry');
BEGIN
    DROP VIEW ledger_entry;
    ALTER TABLE usage_event ALTER COLUMN end_user_id TYPE integer;
    ALTER TABLE spend_adjustment ALTER COLUMN end_user_id TYPE integer;
    EXECUTE 'CREATE VIEW ledger_entry AS ' || entries;
END $$"""


class Migration(migrations.Migration):
    """The number of an end user takes four bytes in events too, as its own table has it. Writes every event anew."""

    dependencies = [("ledger", "0008_users_crossed_by_sheets")]

    operations = [
        migrations.RunSQL(
            _NARROWER,
            state_operations=[
                migrations.AlterField(model, "end_user_id", models.IntegerField(null=True))
                for model in ("usageevent", "spendadjustment")
            ],
        ),
    ]
