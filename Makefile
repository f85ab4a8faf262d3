# Two commands are all a newcomer needs: `make run` and `make test`. Every target does its own
# set-up, and a set-up that is done costs nothing. `make help` lists the targets.

PYTHON_IN_VENV := .venv/bin/python
# Half of the suite waits (for servers, kills, leases), so one process more than there are cores.
# PYTEST_WORKERS=0 runs the tests in one process, for a debugger.
PYTEST_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)
# More words for pytest, for instance: make test ARGS="-k threads tests/store"
ARGS ?=
PYTEST := $(PYTHON_IN_VENV) -m pytest $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench bench-classifier prove screenshots lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from requirements.lock (every other target does this by itself)
	@sh .ci/setup.sh

run: setup ## the demo: mail arrives, open the address it prints. ONCE=1 plays it and ends
	@.venv/bin/aboard demo $(if $(ONCE),--once)

test: setup ## all tests, with real PostgreSQL, Dovecot and Chromium. PYTEST_WORKERS=n, ARGS="..."
	@sh .ci/services.sh test
	@$(PYTEST) -n $(PYTEST_WORKERS)

check: setup ## format, lint, types and import contracts; changes nothing
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## measure against Postfix and notmuch on this machine (15 minutes)
	@sh .ci/services.sh bench
	@$(PYTHON_IN_VENV) -m bench

bench-classifier: setup ## measure the classifier beside its baselines. DRAWS=2 is shorter than 5
	@$(PYTHON_IN_VENV) -m bench.classifier --draws $(or $(DRAWS),5)

prove: setup ## the full campaigns: kills, hostile mail, whole corpora (long)
	@sh .ci/services.sh test
	@$(PYTEST) -m campaign

screenshots: setup ## a picture of every page in three widths, light and dark, in build/screenshots
	@sh .ci/services.sh test
	@$(PYTEST) -m screenshots tests/web

lock: setup ## resolve pyproject.toml into requirements.lock again
	@sh .ci/lock.sh $(PYTHON_IN_VENV)

clean: ## remove .venv, tools and caches; what the demo stored in data/var stays
	rm -rf .venv .tools build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
