"""The command line over the price tables."""

from datetime import timedelta

import pytest
from django.utils import timezone

from costwatch.pricing import commands
from costwatch.pricing.models import CatalogueRelease, PriceBook

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


def test_check_says_what_to_do_when_there_are_no_prices(capsys):
    assert commands.check() == 1
    assert "costwatch prices sync" in capsys.readouterr().out


def test_sync_then_check_is_well(capsys):
    assert commands.sync() == 0
    assert commands.check() == 0
    lines = capsys.readouterr().out.splitlines()
    assert "prices added" in lines[0] and "models" in lines[1]


def test_check_sees_an_installed_release_that_was_not_read():
    commands.sync()
    PriceBook.objects.update(digest="another")
    assert "not read" in commands.inspect(timezone.now()).summary


def test_check_warns_of_a_catalogue_older_than_30_days():
    commands.sync()
    CatalogueRelease.objects.update(imported_at=timezone.now() - timedelta(days=31))
    found = commands.inspect(timezone.now())
    assert not found.ok and "31 days ago" in found.summary
