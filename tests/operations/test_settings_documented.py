"""Every setting that the code reads stands in docs/settings.md, and nothing else does."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(
    r"""(?:env\.(?:text|flag|integer|words)|_kept|os\.environ\.get|os\.environ\.setdefault)\(\s*"([A-Z][A-Z_]+)\""""
)
FOREIGN = {"XDG_DATA_HOME", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PATH"}


def read_settings() -> set[str]:
    sources = [*ROOT.glob("costwatch/**/*.py"), *ROOT.glob("ingest/**/*.py")]
    return {name for source in sources for name in READ.findall(source.read_text())} - FOREIGN


def documented() -> list[str]:
    return re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)


def test_every_setting_is_documented_once_and_none_is_invented() -> None:
    assert sorted(documented()) == sorted(read_settings())


def test_the_search_finds_settings_at_all() -> None:
    assert {"DATABASE_URL", "COSTWATCH_HTTPS", "COSTWATCH_SECRET_KEY"} <= read_settings()
