import django.db.models.deletion
from django.db import migrations, models


def place_those_of_open_incidents(apps, schema_editor):
    """Incidents asked their runs to stop by themselves before there were stops."""
    incidents = apps.get_model("alerts", "Incident").objects.filter(stops=True, state__in=["open", "acknowledged"])
    apps.get_model("alerts", "Stop").objects.bulk_create(
        apps.get_model("alerts", "Stop")(
            workspace_id=incident.workspace_id, key=f"incident:{incident.pk}", scope={"run": [incident.run_id]},
            reason="loop", message=incident.message, incident=incident, placed_at=incident.recorded_at, changed_in=0,
        )
        for incident in incidents.exclude(run_id="")
    )


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial"), ("accounts", "0003_audit_append_only")]

    operations = [
        migrations.CreateModel(
            name="Stop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=400)),
                ("scope", models.JSONField(help_text="dimension → values, all of which must fit; {} is everybody")),
                ("reason", models.CharField(help_text="the kind of the incident, or kill: by a person", max_length=8)),
                ("message", models.TextField()),
                ("until", models.DateTimeField(null=True)),
                ("actor", models.CharField(blank=True, help_text="who placed it; empty: costwatch itself", max_length=255)),
                ("placed_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(null=True)),
                ("changed_in", models.BigIntegerField(help_text="the transaction that changed it last")),
                ("incident", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="alerts.incident")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workspace")),
            ],
            options={
                "db_table": "stop",
                "indexes": [
                    models.Index(fields=["workspace", "changed_in"], name="stop_changed"),
                    models.Index(condition=models.Q(("lifted_at", None)), fields=["workspace", "placed_at"], name="stop_standing"),
                ],
                "constraints": [models.UniqueConstraint(fields=("workspace", "key"), name="stop_once")],
            },
        ),
        migrations.RunPython(place_those_of_open_incidents, migrations.RunPython.noop),
    ]
