# The project's commands. Everything is installed into .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
CODE := connector tests benchmarks docs
WORKERS ?= auto
MINUTES ?= 10
DECISIONS := connector/domain/*
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not soak"

define LINT
$(BIN)/ruff check $(CODE)
$(BIN)/ruff format --check $(CODE)
$(BIN)/mypy
$(BIN)/codespell .
endef

.DEFAULT_GOAL := help
.PHONY: help demo test check format coverage mutants soak bench images dist lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## sync simulated videos into an embedded Qdrant and show what happened
	@$(BIN)/connector demo

test: $(VENV)/.test ## everything: lint, types, spelling, all tests; the fast ones first
	$(LINT)
	$(PYTEST) tests/unit tests/engine
	$(PYTEST) --no-loadscope-reorder --ignore tests/unit --ignore tests/engine --ignore tests/container
	$(BIN)/pytest tests/container

check: $(VENV)/.test ## the fast part of make test, to run while you work
	$(LINT)
	$(PYTEST) -q -x tests/unit tests/engine

format: $(VENV)/.test ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

coverage: $(VENV)/.test ## measure lines and branches, also of the commands that tests start; fails below 95 %, decisions below 100 %
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -q -n $(WORKERS) --dist loadfile -m "not soak" --ignore tests/container
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --fail-under 95
	$(BIN)/coverage report --include "$(DECISIONS)" --fail-under 100

mutants: $(VENV)/.test ## mutate the pure decisions; a test must fail for each mutant, or tests/mutants.toml explains it
	rm -rf mutants
	HYPOTHESIS_PROFILE=mutants $(BIN)/mutmut run
	$(BIN)/python -m tests.mutants

soak: $(VENV)/.test ## the long tests; MINUTES=n and SEED=n are for the random one
	@seed=$${SEED:-$$(date +%s)}; echo "SEED=$$seed MINUTES=$(MINUTES)"; \
	SEED=$$seed MINUTES=$(MINUTES) $(BIN)/pytest -m soak

.PHONY: integrations
integrations: $(VENV)/.test ## test the adapters of docs/integrations.md with the newest releases of the frameworks
	@rm $<  # the next target installs the locked versions again
	$(BIN)/python -m pip install --quiet --upgrade haystack-ai langchain-core langchain-qdrant \
		llama-index-core llama-index-vector-stores-qdrant
	$(BIN)/python -m pip list
	$(PYTEST) tests/unit/test_missing_extra.py tests/e2e/test_haystack.py tests/e2e/test_langchain.py \
		tests/e2e/test_llamaindex.py

.PHONY: bench-search
bench-search: $(VENV)/.test ## measure what searches find, and how fast; writes the figures into docs/search.md
	$(BIN)/python -m benchmarks --rounds 2 --save search search-large

bench: $(VENV)/.test ## measure everything and write the figures into docs
	$(BIN)/python -m benchmarks --save

images: $(VENV)/.test ## regenerate the pictures of README.md and docs/; those of the status page need Chromium
	$(BIN)/python docs/images/flow.py
	$(BIN)/python docs/images/demo.py
	$(BIN)/python -m docs.images.pages

dist: $(VENV)/.run ## build the wheel and the source distribution
	rm -rf dist
	$(BIN)/hatchling build

lock: ## resolve the dependencies again (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --extra mcp --extra postgres --extra tracing -c requirements-dev.lock -o requirements-image.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--group build -c requirements-dev.lock -o requirements-build.lock

clean: ## remove everything that the commands above created
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.lock requirements-build.lock pyproject.toml
	@echo "Installing what the connector needs ..."
	@$(PIP) -r requirements.lock -r requirements-build.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.lock
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@
