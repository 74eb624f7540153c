# make up: install and run with demo data · make test: install and run every test
# Works on Debian and Ubuntu with Python >= 3.11 and make, as root or not; a second run installs nothing.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
UP ?= --demo
LOCK := uv pip compile pyproject.toml --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-header --quiet

# byte code is kept: without it each of the many processes that the tests start compiles the whole product, a second each
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up install test test-fast lint bench gallery lock wheel clean
.DELETE_ON_ERROR:

up: $(VENV)/.installed
	exec $(BIN)/costwatch up $(UP)

install: $(VENV)/.installed

# real processes and browsers second: a whole file stays on one worker, which shares an installation among its tests
test: $(VENV)/.installed-dev browser faketime
	$(BIN)/python -m pytest -n 2 -m "not fault and not journey and not slow"
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "fault or journey or slow"

# some files of every area, under two minutes on two idle cores
test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not fault and not journey and not slow and not thorough"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy costwatch ingest
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

# the pictures of the documentation; with FOLDER=… every page, light and dark, on a screen and on a phone, into that folder
gallery: $(VENV)/.installed-dev browser
	$(BIN)/python -m tests.journeys.gallery $(FOLDER)

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

# after a change of dependencies in pyproject.toml; needs uv
lock:
	$(LOCK) --extra build --output-file requirements.lock
	$(LOCK) --extra build --extra dev --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build dist

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "costwatch needs Python 3.11 or newer; on Debian and Ubuntu: apt-get install python3" >&2; exit 1; }
	@sh -e scripts/make-venv "$(PYTHON)" "$(VENV)"

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

.PHONY: browser faketime
browser:
	@sh scripts/find-browser

faketime:
	@sh scripts/find-faketime
