# Two commands for a newcomer: `make run` serves, `make test` tests. The rest is for developers.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test check coverage branches fmt lint types contracts bench faults migrate openapi lock

help:  ## Show what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run  ## Install, migrate and serve on localhost:8000 with SQLite
	@$(BIN)/auth-service serve

test: $(VENV)/.dev  ## Run the tests; those that need what is not there are skipped
	$(BIN)/python -m pytest -n auto

check: lint types contracts test  ## Lint, types, import contracts and tests: before each push

coverage: $(VENV)/.dev  ## Run the tests and require every line to be covered (Python 3.12+)
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered

branches: $(VENV)/.dev  ## Run the tests and require every branch to be covered (slower)
	$(BIN)/python -m pytest -n auto --cov --cov-config=tests/branches.toml --cov-report=term-missing:skip-covered

fmt: $(VENV)/.dev  ## Format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## Measure against bare FastAPI, and against PEERS=folder (needs PostgreSQL, wrk)
	$(BIN)/python -m tests.benchmarks.run $(if $(PEERS),--peers $(PEERS)) --write docs/benchmarks.md

faults: $(VENV)/.dev  ## Break everything around the service, and write docs/reliability.md
	rm -f .reliability.jsonl
	TEST_RELIABILITY=$(CURDIR)/.reliability.jsonl TEST_KILLS=100 $(BIN)/python -m pytest tests/faults
	$(BIN)/python -m tests.faults.reliability .reliability.jsonl docs/reliability.md

migrate: $(VENV)/.run  ## Bring the database of AUTH_DATABASE_URL to head
	$(BIN)/auth-service migrate

openapi: $(VENV)/.dev  ## Write docs/openapi.json anew
	$(BIN)/auth-service openapi --output docs/openapi.json

lock: $(VENV)/.dev  ## Resolve the dependencies anew into requirements*.txt
	$(BIN)/python scripts/lock.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt requirements-build.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (once)"
	@$(PIP) install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@$(PIP) install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
