# Two commands are all a newcomer needs: `make run` and `make test`. Every target does its own
# set-up, and a set-up that is done costs nothing. `make help` lists the targets.

PYTHON_IN_VENV := .venv/bin/python
# More pytest processes: worth it from four cores on. On two, start-up eats what they gain.
PYTEST_WORKERS ?=
# More words for pytest, for instance: make test ARGS="-k threads tests/store"
ARGS ?=
PYTEST := $(PYTHON_IN_VENV) -m pytest $(if $(PYTEST_WORKERS),-n $(PYTEST_WORKERS)) $(ARGS)

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
	@$(PYTEST)

check: setup ## format, lint, types and import contracts; changes nothing
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup ## measure against Postfix and notmuch on this machine (15 minutes)
	@sh .ci/services.sh bench
	@$(PYTHON_IN_VENV) -m bench

bench-classifier: setup ## measure the classifier beside its baselines
	@$(PYTHON_IN_VENV) -m bench.classifier

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
