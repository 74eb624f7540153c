import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from costwatch.accounts import keys
from costwatch.accounts.models import Workspace
from costwatch.pricing import book


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def client(workspace: Workspace) -> Client:
    """A program with a key of the scope read."""
    return caller(workspace, "read")


@pytest.fixture
def get(client: Client) -> Callable[..., Any]:
    """GET an address and take the JSON of its answer 200."""

    def fetch(address: str, **params: Any) -> Any:
        response = client.get(address, params)
        assert response.status_code == 200, response.content[:500]
        return response.json()

    return fetch


@pytest.fixture(autouse=True)
def fresh_book(request: pytest.FixtureRequest) -> Iterator[None]:
    """The price book of a rolled-back test is not that of the next; `prices` sees to its own."""
    yield
    if "prices" not in request.fixturenames:
        book.forget()


def caller(workspace: Workspace, *scopes: str) -> Client:
    """A client with a new key."""
    keys._cache.clear()
    _, text = keys.create_key(workspace, "-".join(scopes), scopes)
    return Client(headers={"Authorization": f"Bearer {text}"}, raise_request_exception=False)


def bad_queries() -> list[dict[str, Any]]:
    """The hostile queries of tests/data."""
    path = Path(__file__).parent.parent / "data" / "bad_inputs.jsonl.gz"
    with gzip.open(path, "rt") as lines:
        return [case for case in map(json.loads, lines) if case["path_kind"] == "query"]
