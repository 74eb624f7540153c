# Forecasts that were issued

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_audit_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='IssuedForecast',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('month', models.DateField(help_text='its first local day')),
                ('day', models.DateField(help_text='the first day that was forecast')),
                ('issued_at', models.DateTimeField()),
                ('spent', models.DecimalField(decimal_places=12, max_digits=30)),
                ('low', models.DecimalField(decimal_places=12, max_digits=30)),
                ('mid', models.DecimalField(decimal_places=12, max_digits=30)),
                ('high', models.DecimalField(decimal_places=12, max_digits=30)),
                ('run_rate', models.DecimalField(decimal_places=12, max_digits=30, null=True)),
                ('method', models.CharField(max_length=16)),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.workspace')),
            ],
            options={
                'db_table': 'issued_forecast',
                'constraints': [models.UniqueConstraint(fields=('workspace', 'month', 'day'), name='issued_forecast_once')],
            },
        ),
    ]
