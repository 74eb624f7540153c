"""docs/recipes.md is true: each request in it is one that the API takes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.api.conftest import caller

TEXT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
REQUESTS = re.findall(r"```http\n(GET|POST|DELETE) (\S+)\n(?:\n(.*?))?```", TEXT, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("method", "address", "body"), REQUESTS, ids=[f"{m} {a}" for m, a, _ in REQUESTS])
def test_the_request_is_one_that_the_api_takes(workspace, method, address, body):
    client = caller(workspace, "admin" if method == "POST" else "read")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    sent = {"data": body.replace("TOMORROW", tomorrow), "content_type": "application/json"} if body else {}
    response = getattr(client, method.lower())(address, **sent)
    assert response.status_code in (200, 201), response.content


def test_there_are_recipes_for_finance_engineering_and_gateways():
    assert len(REQUESTS) >= 5
    for word in ("## Finance", "## Engineering", "### nginx", "### Envoy", "### LiteLLM"):
        assert word in TEXT


@pytest.mark.parametrize("source", PYTHON)
def test_the_python_can_be_read_as_such(source):
    compile(source, "docs/recipes.md", "exec")


def test_what_the_gateways_ask_is_answered(workspace):
    client = caller(workspace, "read")
    (address,) = re.findall(r"proxy_pass http://costwatch:8000(\S+);", TEXT)
    assert (
        client.get(address, headers={"X-Costwatch-Agent-Id": "a", "X-Costwatch-Tags": "customer="}).status_code == 200
    )
    (prefix,) = re.findall(r"path_prefix: (\S+)", TEXT)
    assert client.post(f"{prefix}/v1/chat/completions").status_code == 200
