"""Fixtures of the Explore page: those of the dashboards, and a reader of the page."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client


@pytest.fixture
def page(client: Client) -> Callable[..., str]:
    """The HTML of /explore with a query string."""

    def fetch(query: str = "", **headers: str) -> str:
        response = client.get(f"/explore?{quote(query, safe='=&%.-_!+')}" if query else "/explore", headers=headers)
        assert response.status_code == 200, response.content[:500]
        return response.content.decode()

    return fetch
