"""The product's settings with one route: a view that only stores, behind the same middleware."""

from costwatch.settings import *  # noqa: F403

ROOT_URLCONF = "bench.least_urls"
