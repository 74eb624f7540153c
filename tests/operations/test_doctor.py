"""`costwatch doctor` on installations that lack something: what it says, how to mend it, and its exit status."""

import json
from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from costwatch import doctor
from costwatch.models import Tick
from costwatch.pricing.models import CatalogueRelease
from costwatch.up import data_dir

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
Usage = namedtuple("Usage", "total used free")
Examine = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Examine:
    """The findings on the database of the tests, by part; an installation that is well but for what a test changes."""
    monkeypatch.setenv("COSTWATCH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", django_settings.DATABASE_URL)
    monkeypatch.setenv("BROKER_URL", "")
    Tick.objects.create(name="costwatch.watch", finished_at=timezone.now())
    release()

    def run() -> dict[str, dict[str, Any]]:
        status = doctor.report(as_json=True)
        told = json.loads(capsys.readouterr().out)
        assert told["ok"] is (status == 0) is all(part["ok"] for part in told["parts"])
        for part in told["parts"]:
            assert part["says"] and (part["ok"] or part["mend"] or part["part"] == "installation")
        return {part["part"]: part for part in told["parts"]}

    return run


def release(**age: float) -> None:
    CatalogueRelease.objects.all().delete()
    known = timezone.now() - timedelta(**age)
    CatalogueRelease.objects.create(name="genai-prices 0.2.3", imported_at=timezone.now(), data_as_of=known)


def wrong(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, part in found.items() if not part["ok"]]


def test_one_that_is_well_has_nothing_to_mend(examine, tmp_path):
    found = examine()
    assert wrong(found) == []
    assert found["installation"]["says"] == f"in {tmp_path}"
    assert found["configuration"]["says"] == "no setting is wrong"
    assert found["database"]["says"].startswith("PostgreSQL 1")
    assert found["broker"]["says"].startswith("none: the scheduler does the periodic work")


def test_one_that_runs_says_where(examine, tmp_path):
    data_dir.write_about(tmp_path, url="http://127.0.0.1:8000", database_url="x")
    with data_dir.hold(tmp_path):
        assert examine()["installation"]["says"] == f"in {tmp_path}, running at http://127.0.0.1:8000"


def test_without_an_installation_nothing_else_is_looked_at(examine, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    found = examine()
    assert list(found) == wrong(found) == ["installation"]
    assert "costwatch up" in found["installation"]["says"]


@pytest.mark.parametrize(("free", "well"), [(999_999_999, False), (1_000_000_000, True), (0, False)])
def test_a_disk_that_is_nearly_full_is_told_before_postgresql_stops(examine, monkeypatch, free, well):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(10**12, 10**12 - free, free))
    found = examine()["disk"]
    assert found["ok"] is well
    assert found["says"].startswith(f"{free / 1e9:.1f} GB free at ")
    assert ("make room" in found["mend"]) is not well


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(examine, monkeypatch, tmp_path):
    monkeypatch.setenv("COSTWATCH_DATA_DIR", str(tmp_path / "not" / "yet"))
    assert examine()["disk"]["says"].endswith(f" at {tmp_path}")


def test_a_setting_that_is_wrong_is_named_with_its_check_and_the_right_form(examine, settings):
    settings.PUBLIC_URL = "costwatch.example.org"
    found = examine()["configuration"]
    assert not found["ok"]
    assert found["says"] == "costwatch.E005: COSTWATCH_URL is not an address."
    assert found["mend"] == "Write https://costwatch.example.org, without a path."


def test_migrations_that_are_missing_end_the_questions_to_the_tables(examine):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'saved' OR (app = 'digests' AND name LIKE '0001%')")
    found = examine()
    assert "migrations" in wrong(found) and found["migrations"]["says"].endswith(" not applied")
    assert "manage.py migrate" in found["migrations"]["mend"]
    assert "channels" not in found, "its tables may not be there"


@pytest.mark.parametrize(("seconds", "well"), [(0, True), (50, True), (70, False), (90_000, False)])
def test_periodic_work_that_was_not_done_for_a_minute_is_told(examine, seconds, well):
    Tick.objects.update(finished_at=timezone.now() - timedelta(seconds=seconds))
    found = examine()["scheduler"]
    assert found["ok"] is well
    assert f"{seconds}"[:-1] in found["says"] and found["says"].endswith(" s ago")


def test_periodic_work_that_was_never_done_is_told_as_such(examine):
    Tick.objects.all().delete()
    found = examine()["scheduler"]
    assert (found["ok"], found["says"]) == (False, "periodic work was last done never")


def test_the_newest_of_all_tasks_counts(examine):
    Tick.objects.update(finished_at=timezone.now() - timedelta(days=3))
    Tick.objects.create(name="alerts.deliver", finished_at=timezone.now())
    assert examine()["scheduler"]["ok"]


@pytest.mark.parametrize(("days", "advice"), [(0, False), (59, False), (61, True), (400, True)])
def test_prices_of_more_than_two_months_ago_are_old_but_not_wrong(examine, days, advice):
    release(days=days)
    found = examine()["prices"]
    assert found["ok"] and found["says"].startswith("genai-prices 0.2.3, as of ")
    assert ("prices sync" in found["mend"]) is advice


def test_without_prices_every_event_is_unpriced(examine):
    CatalogueRelease.objects.all().delete()
    found = examine()["prices"]
    assert not found["ok"] and "every event is unpriced" in found["says"]
    assert found["mend"] == "run `costwatch prices sync`"


def test_a_broker_that_does_not_answer_is_told_without_its_password(examine, settings, monkeypatch):
    settings.BROKER_URL = "redis://ann:hunter2@127.0.0.1:1/0"
    from costwatch.celery import app

    monkeypatch.setattr(app.conf, "broker_url", settings.BROKER_URL)
    monkeypatch.setattr(app.conf, "broker_write_url", settings.BROKER_URL)
    found = examine()["broker"]
    assert not found["ok"]
    assert found["says"].startswith("redis://ann:***@127.0.0.1:1/0 does not answer")
    assert "hunter2" not in str(found)
    assert "nothing is lost" in found["mend"]


def test_for_people_each_part_is_a_line_and_what_to_do_stands_below(examine, capsys):
    CatalogueRelease.objects.all().delete()
    assert doctor.report(as_json=False) == 1
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("WRONG prices "))
    assert lines[at + 1] == f"{'':<21}→ run `costwatch prices sync`"
    assert sum(line.startswith("ok   ") for line in lines) == len(lines) - 2
    assert {line[21:].strip() != "" for line in lines} == {True}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@db.example:5432/books", "postgresql://ann:***@db.example:5432/books"),
        ("postgresql://ann@db.example/books", "postgresql://ann@db.example/books"),
        ("postgresql:///books?host=/tmp/x", "postgresql:///books?host=/tmp/x"),
        ("redis://:secret@cache:6379/0", "redis://:***@cache:6379/0"),
        ("amqp://a:secret%40x@mq//", "amqp://a:***@mq//"),
        ("postgresql://secret:secret@secret/secret", "postgresql://secret:***@secret/secret"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    assert doctor.without_password(url) == shown
