"""The product's settings on a real PostgreSQL: DATABASE_URL, else the embedded server in the temporary folder."""

import os
import tempfile
from pathlib import Path

_scratch = Path(tempfile.gettempdir())
if not os.environ.get("DATABASE_URL"):
    from costwatch.embedded import start_postgres

    # nothing here must outlive a power cut; what is killed in tests/faults runs on servers of its own
    careless = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    os.environ["DATABASE_URL"] = start_postgres(_scratch / f"costwatch-tests-{os.getuid()}", careless)
os.environ.setdefault("COSTWATCH_STATIC_ROOT", str(_scratch / "costwatch-tests-static"))
Path(os.environ["COSTWATCH_STATIC_ROOT"]).mkdir(exist_ok=True)  # an empty one: WhiteNoise warns where there is none

from costwatch.settings import *  # noqa: E402, F403

# a database of its own for every session and worker, so that several can run at once
_session = os.environ.get("COSTWATCH_TEST_DB") or os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
DATABASES["default"]["TEST"] = {"NAME": f"test_{_session[:20]}"}  # type: ignore[index]  # noqa: F405
PASSWORD_HASHERS = ["tests.hasher.QuickArgon2"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
