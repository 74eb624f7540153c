"""A key revoked in one process is refused in every other one within a second."""

import os
import subprocess
import sys
import time
from urllib.parse import quote

import pytest
from django.db import connection

from costwatch.accounts.keys import create_key, revoke
from costwatch.accounts.models import Workspace

WATCH = """
import sys, time, django
django.setup()
from costwatch.accounts.keys import KeyRefused, authenticate
header = "Bearer " + sys.argv[1]
authenticate(header, "ingest")
print("in", flush=True)
for _ in range(4000):
    try:
        authenticate(header, "ingest")
    except KeyRefused as refused:
        print(refused.status, refused.code, time.time(), flush=True)
        break
    time.sleep(0.001)
"""


def _database_url():
    settings = connection.settings_dict
    host = quote(settings["HOST"], safe="")
    user = f"{settings['USER']}:{settings['PASSWORD']}" if settings["PASSWORD"] else settings["USER"]
    return f"postgresql://{user}@/{settings['NAME']}?host={host}&port={settings['PORT']}".removesuffix("&port=")


@pytest.mark.django_db(transaction=True)
def test_a_revoked_key_is_refused_by_another_process_within_a_second():
    key, text = create_key(Workspace.objects.create(name="Larkfield"), "k", ["ingest"])
    environment = {**os.environ, "DATABASE_URL": _database_url(), "DJANGO_SETTINGS_MODULE": "costwatch.settings"}
    watchers = [
        subprocess.Popen([sys.executable, "-c", WATCH, text], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [watcher.stdout.readline() for watcher in watchers] == ["in\n", "in\n"]
        revoked_at = time.time()
        revoke(key)
        for watcher in watchers:
            status, code, at = watcher.stdout.readline().split()
            assert (status, code) == ("401", "key_revoked")
            assert float(at) - revoked_at < 1.0
    finally:
        for watcher in watchers:
            watcher.kill()
            watcher.communicate()
