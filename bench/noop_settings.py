"""The product's settings with one route: a view that does nothing, behind the same middleware."""

from costwatch.settings import *  # noqa: F403

ROOT_URLCONF = "bench.noop_urls"
