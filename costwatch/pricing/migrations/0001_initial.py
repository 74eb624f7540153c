from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='CatalogueRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('digest', models.CharField(max_length=64)),
                ('imported_at', models.DateTimeField()),
                ('data_as_of', models.DateTimeField(help_text='when the package was built', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PriceBook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveBigIntegerField(default=0)),
                ('digest', models.CharField(blank=True, help_text='of the catalogue that was read last', max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='PriceSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80, unique=True)),
                ('zone', models.CharField(max_length=64)),
                ('windows', models.JSONField(help_text='[["01:00", "04:00"]]')),
                ('weekdays', models.JSONField(help_text='0 = Monday')),
                ('holidays', models.JSONField(help_text='["2026-10-01"], local dates')),
            ],
        ),
        migrations.CreateModel(
            name='ModelAlias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=80)),
                ('name', models.CharField(max_length=200)),
                ('model', models.CharField(max_length=200)),
                ('valid_from', models.DateTimeField(null=True)),
                ('valid_until', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'name', 'valid_from'), name='model_alias_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='PriceLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('provider', models.CharField(max_length=80)),
                ('model', models.CharField(max_length=200)),
                ('region', models.CharField(blank=True, max_length=40)),
                ('variant', models.CharField(default='standard', max_length=40)),
                ('schedule', models.CharField(blank=True, max_length=80)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'model', 'region', 'variant', 'schedule'), name='price_line_once')],
            },
        ),
        migrations.CreateModel(
            name='PriceVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('valid_from', models.DateTimeField(null=True)),
                ('valid_until', models.DateTimeField(null=True)),
                ('source', models.TextField(blank=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='pricing.priceline')),
                ('release', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='pricing.cataloguerelease')),
            ],
        ),
        migrations.CreateModel(
            name='PriceComponent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.CharField(max_length=40)),
                ('threshold', models.PositiveBigIntegerField(default=0)),
                ('price', models.DecimalField(decimal_places=12, max_digits=20)),
                ('per', models.PositiveBigIntegerField()),
                ('minimum', models.DecimalField(decimal_places=6, max_digits=20, null=True)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='components', to='pricing.priceversion')),
            ],
        ),
        migrations.AddConstraint(
            model_name='priceversion',
            constraint=models.CheckConstraint(condition=models.Q(('valid_until__gt', models.F('valid_from')), ('valid_from', None), ('valid_until', None), _connector='OR'), name='price_version_lasts'),
        ),
        migrations.AddConstraint(
            model_name='pricecomponent',
            constraint=models.UniqueConstraint(fields=('version', 'unit', 'threshold'), name='price_component_once'),
        ),
        migrations.AddConstraint(
            model_name='pricecomponent',
            constraint=models.CheckConstraint(condition=models.Q(('per__gt', 0), ('price__gte', 0)), name='price_component_positive'),
        ),
        migrations.RunSQL(
            (SQL / "0001_no_overlap.sql").read_text(),
            "ALTER TABLE pricing_priceversion DROP CONSTRAINT price_version_no_overlap",
        ),
    ]
