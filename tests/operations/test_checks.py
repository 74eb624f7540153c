"""Each wrong setting is found, by its id, with a hint; the usual ones are right."""

from pathlib import Path
from typing import Any

import pytest

from costwatch import checks, env
from costwatch.settings import _database


def ids(found: list[Any]) -> list[str]:
    assert all(message.hint for message in found)
    return [message.id for message in found]


def test_the_settings_of_a_plain_start_are_right() -> None:
    for check in (checks.database_url, checks.broker_url, checks.numbers, checks.logging_words, checks.public_url):
        assert ids(check()) == []


@pytest.mark.parametrize(("name", "value", "check", "id_"), [
    ("DATABASE_URL", "sqlite:///db", checks.database_url, "costwatch.E001"),
    ("BROKER_URL", "sqla+postgresql://x", checks.broker_url, "costwatch.E002"),
    ("BROKER_URL", "filesystem://", checks.broker_url, "costwatch.E002"),
    ("RATE_LIMIT", -1, checks.numbers, "costwatch.E003"),
    ("DATABASE_TIMEOUT", -5, checks.numbers, "costwatch.E003"),
    ("PUBLIC_URL", "costwatch.example.org", checks.public_url, "costwatch.E005"),
])  # fmt: skip
def test_a_wrong_setting_is_found(settings: Any, name: str, value: object, check: Any, id_: str) -> None:
    setattr(settings, name, value)
    assert ids(check()) == [id_]


@pytest.mark.parametrize(("name", "value"), [("COSTWATCH_LOG", "xml"), ("COSTWATCH_LOG_LEVEL", "LOUD")])
def test_unknown_words_about_the_log_are_found(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert ids(checks.logging_words()) == ["costwatch.E004"]


def test_production_needs_a_lasting_key_and_named_hosts(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("COSTWATCH_SECRET_KEY", raising=False)
    settings.DATA_DIR, settings.HTTPS, settings.ALLOWED_HOSTS = tmp_path, True, ["*"]
    assert ids(checks.secret_key() + checks.allowed_hosts()) == ["costwatch.W001", "costwatch.W002"]
    (tmp_path / "secret_key").write_text("x" * 60)
    settings.ALLOWED_HOSTS = ["costwatch.example.org"]
    assert ids(checks.secret_key() + checks.allowed_hosts()) == []


@pytest.mark.parametrize(("name", "value", "read"), [
    ("X_FLAG", "maybe", lambda: env.flag("X_FLAG", False)),
    ("X_NUMBER", "ten", lambda: env.integer("X_NUMBER", 1)),
])  # fmt: skip
def test_an_unreadable_value_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: Any
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(env.BadSetting, match=f"{name}='{value}': write"):
        read()


def test_a_database_url_is_taken_apart() -> None:
    read = _database("postgresql://a%40b:p%2Fw@db.example:6432/books?sslmode=require", 8)
    assert (read["USER"], read["PASSWORD"], read["HOST"], read["PORT"]) == ("a@b", "p/w", "db.example", "6432")
    assert read["NAME"] == "books"
    assert read["OPTIONS"] == {"sslmode": "require", "connect_timeout": 3, "answer_timeout": 8,
                               "options": "-c statement_timeout=7500"}  # fmt: skip
    local = _database("postgresql://costwatch@/costwatch?host=/tmp/with%20blank", 0)
    assert (local["HOST"], local["OPTIONS"]) == ("/tmp/with blank", {})
