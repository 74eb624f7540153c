"""The labels of the attributions in a portion of the feed, remembered."""

from collections.abc import Iterable, Mapping

from costwatch.accounts.models import ApiKey
from costwatch.ledger.models import Attribution, Label
from costwatch.spend.dimensions import KEY, LABELS, TAG

MOST_REMEMBERED = 50_000
_labels: dict[int, dict[str, str]] = {}


def labels(attributions: Iterable[int]) -> Mapping[int, Mapping[str, str]]:
    """Attribution → dimension → name; what is not attributed is not in it. They never change, so they are kept."""
    wanted = set(attributions)
    missing = wanted - _labels.keys()
    if missing:
        if len(_labels) > MOST_REMEMBERED:
            _labels.clear()
            missing = wanted
        _labels.update(_read(missing))
    return _labels


def forget() -> None:
    """Remember nothing (in tests, whose database work is rolled back)."""
    _labels.clear()


def _read(attributions: set[int]) -> dict[int, dict[str, str]]:
    rows = Attribution.objects.in_bulk(attributions)
    numbers = {getattr(row, f"{dimension}_id") for row in rows.values() for dimension in LABELS}
    names = dict(Label.objects.filter(pk__in=numbers - {0}).values_list("pk", "value"))
    keys = dict(ApiKey.objects.filter(pk__in={row.key_id for row in rows.values()}).values_list("pk", "name"))
    return {number: _named(row, names, keys) for number, row in rows.items()}


def _named(row: Attribution, names: Mapping[int, str], keys: Mapping[int, str]) -> dict[str, str]:
    own = {dimension: names.get(getattr(row, f"{dimension}_id"), "") for dimension in LABELS}
    tags = {f"{TAG}{tag}": value for tag, value in row.tags.items()}
    return {name: value for name, value in {**own, KEY: keys.get(row.key_id, ""), **tags}.items() if value}
