"""The indexes of runs leave out those that were not folded yet."""

from django.db import migrations, models

FOLDED = models.Q(last_at__isnull=False)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_numbers_of_users")]

    operations = [
        migrations.RemoveIndex("run", "run_last_at"),
        migrations.RemoveIndex("run", "run_dearest"),
        migrations.AddIndex("run", models.Index(fields=["lane", "last_at"], name="run_last_at", condition=FOLDED)),
        migrations.AddIndex("run", models.Index(fields=["lane", "-cost"], name="run_dearest", condition=FOLDED)),
    ]
