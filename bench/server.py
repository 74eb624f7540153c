"""A PostgreSQL of the benchmarks' own, set up as `costwatch up` does it; DATABASE_URL replaces it."""

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from costwatch import embedded

FOLDER = Path(tempfile.gettempdir()) / f"costwatch-bench-{os.getuid()}"


def database_url() -> str:
    """Its URL; the embedded server is started and, if this process did it, stopped when that ends."""
    given = os.environ.get("DATABASE_URL")
    if given:
        return given
    ran = (FOLDER / "postgres" / "postmaster.pid").exists()
    url = embedded.start_postgres(FOLDER)
    if not ran:
        atexit.register(embedded.stop_cluster, embedded._cluster(FOLDER))
    return url


def url_of(name: str) -> str:
    """The URL of one database of that server."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def exists(name: str) -> bool:
    with psycopg.connect(url_of("postgres")) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


def drop(name: str) -> None:
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def prepared(name: str, *, keep: bool = False) -> Iterator[str]:
    """A database with our tables and prices, as its URL; dropped afterwards unless it is to be kept."""
    drop(name)
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url_of(name)
    finally:
        if not keep:
            drop(name)
