from django.db import migrations, models

CUTS = [
    (0, "Total"), (1, "Provider"), (2, "Model"), (3, "Operation"), (4, "Agent"), (5, "Task"), (6, "Environment"),
    (7, "Release"), (8, "Key"), (9, "User"), (20, "Agent Task"), (21, "Agent Model"), (22, "Task Model"),
    (30, "Attribution"),
]  # fmt: skip


class Migration(migrations.Migration):
    """Agents and tasks crossed with users are in the sheets of attribution and user; their own rows go."""

    dependencies = [("ledger", "0007_fewer_bytes")]

    operations = [
        migrations.RunSQL(
            "DROP TABLE spend_day_23, spend_day_24",
            state_operations=[
                migrations.AlterField(model, "cut", models.SmallIntegerField(choices=CUTS))
                for model in ("spendday", "spendquarter")
            ],
        ),
    ]
