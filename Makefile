# Plain venv and pip; `make help` lists what there is. Stamps in .venv make a second run quick.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
MADE := $(VENV)/.made-$(PYTHON_VERSION)
BASE := $(VENV)/.base-$(PYTHON_VERSION)
DEV := $(VENV)/.dev-$(PYTHON_VERSION)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Uncompiled libraries import several times slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help libgomp demo sdk-envs bench-envs test test-needs check check-format check-types check-contracts check-docs format lint types contracts docs reference bench bench-backtest bench-cache bench-data bench-jobs bench-limits bench-live bench-masters bench-options bench-pages bench-trust bench-validation constraints chromium pictures clean

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Options for the command behind it go in ARGS="…", another interpreter in PYTHON=….'

# --- what is installed ---------------------------------------------------------------------

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'make: Python 3.11 or newer is needed; name one with PYTHON=…' >&2; exit 1; }
	@grep -qs '^version.* = $(PYTHON_VERSION)\.' $(VENV)/pyvenv.cfg || rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) >/dev/null && $(BIN)/python -m pip --version >/dev/null \
	  || { echo 'make: no virtual environment could be made; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@touch $@

$(BASE): $(MADE) pyproject.toml constraints.txt
	@echo 'Installing Munshi into $(VENV); the first time this takes a minute or two.'
	@$(PIP_INSTALL) --editable .
	@touch $@

$(DEV): $(MADE) pyproject.toml constraints.txt
	@echo 'Installing Munshi and its tools into $(VENV); the first time this takes a few minutes.'
	@$(PIP_INSTALL) --editable '.[dev,mlflow,research]'
	@touch $(BASE) $@

# from_apt,IS IT MISSING,PACKAGE,WHAT FOR
define from_apt
@if $(1); then \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo 'Installing $(2) for $(3).'; \
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
      apt-get install -qq --no-install-recommends $(2); } >/dev/null 2>&1 \
      || echo 'make: $(2) could not be had from apt' >&2; \
  else \
    echo 'make: $(2) is missing and only root can install it: apt-get install $(2)' >&2; \
  fi; \
fi
endef

# After libgomp, for apt serves one at a time.
chromium: | libgomp
	$(call from_apt,[ ! -x /usr/bin/chromium ],chromium,the tests in a browser)

libgomp: # LightGBM's wheel leaves OpenMP to the system
	$(call from_apt,[ "$$(uname)" = Linux ] && ! ldconfig -p 2>/dev/null | grep -q libgomp.so.1,libgomp1,LightGBM)

# Most of what these bring is never imported, and what is compiles itself then.
# The stamp carries the hash of the pins, so that other pins or another Python start afresh.
sdk_stamp = .sdk/$(1)/.made-$(PYTHON_VERSION)-$(shell cksum < tests/contract/requirements-$(1).txt | tr ' ' '-')

sdk-envs: $(call sdk_stamp,kite) $(call sdk_stamp,breeze) $(call sdk_stamp,vectorbt) ## Install the brokers' own SDKs and vectorbt, for the tests beside them

.sdk/%:
	@echo 'Installing the official SDK into $(@D); the first time this takes a minute.'
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
	  --requirement tests/contract/requirements-$(notdir $(@D)).txt
	@touch $@

# Other job systems, for bench-jobs; none of them is needed for anything else.
bench_stamp = .bench/$(1)/.made-$(PYTHON_VERSION)-$(shell cksum < benchmarks/requirements-$(1).txt | tr ' ' '-')

bench-envs: $(call bench_stamp,peers) $(call bench_stamp,backtest) ## Install what ours is measured beside

.bench/%:
	@echo 'Installing what ours is measured beside into $(@D); the first time this takes a minute.'
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --requirement benchmarks/requirements-$(notdir $(@D)).txt
	@touch $@

# --- to use --------------------------------------------------------------------------------

demo: $(BASE) ## Sign in, collect and serve, against simulated brokers (ARGS=--once to stop after)
	@MUNSHI_HOME='$(CURDIR)/.demo' $(BIN)/munshi demo $(ARGS)

# --- to change -----------------------------------------------------------------------------

TEST_NEEDS := $(DEV) sdk-envs libgomp $(if $(wildcard tests/browser),chromium)
# Half of a test's time is waiting for processes it started, so two tests a core run at once.
WORKERS := $(shell $(PYTHON) -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))')
PYTEST := $(BIN)/pytest -n $(WORKERS)
# What does not wait for one another runs side by side.
BESIDE := $(MAKE) --no-print-directory --jobs=3

test: ## Run every test, PostgreSQL included (ARGS="-k name" for some)
	@$(BESIDE) test-needs
	@$(PYTEST) $(ARGS)

test-needs: $(TEST_NEEDS)

# quietly,NAME,COMMAND,WHAT MENDS IT
define quietly
@out=$$($(2) 2>&1) && echo 'ok: $(1)' \
  || { printf '%s\n' "$$out"; echo 'make: $(1) failed. $(3)' >&2; exit 1; }
endef

chaos: $(DEV) ## Kill workers and restart PostgreSQL under thousands of jobs for minutes, and print the counts
	@MUNSHI_CHAOS=long $(BIN)/pytest -q -n 0 -p no:randomly tests/chaos $(ARGS)

check: ## All that a change must pass: format, lint, types, contracts, docs, tests
	@$(BESIDE) test-needs check-format check-types check-contracts check-docs
	@$(PYTEST) -q --durations=10

check-format: $(DEV)
	$(call quietly,format,$(BIN)/ruff format --check .,`make format` mends it.)
	$(call quietly,lint,$(BIN)/ruff check .,`make format` mends some of it.)

check-types: $(DEV)
	$(call quietly,types,$(BIN)/mypy,)

check-contracts: $(DEV)
	$(call quietly,import contracts,$(BIN)/lint-imports --no-cache,`make contracts` says more.)

check-docs: $(DEV)
	$(call quietly,docs,$(BIN)/mkdocs build --strict --site-dir $(VENV)/site,)

format: $(DEV) ## Format, and mend what the linter can
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .

lint: $(DEV) ## Lint
	@$(BIN)/ruff check .

types: $(DEV) ## Check types
	@$(BIN)/mypy

contracts: $(DEV) ## Check that imports point down
	@$(BIN)/lint-imports

reference: $(DEV) ## Write the pages of docs/ that are made from code
	@$(BIN)/python scripts/write_reference.py

docs: $(DEV) ## Build the documentation into site/
	@$(BIN)/mkdocs build --strict --site-dir site && echo 'Open site/index.html'

bench: $(DEV) ## Measure the API against an empty route, and what starting costs
	@$(BIN)/python benchmarks/api.py $(ARGS)
	@$(BIN)/python benchmarks/startup.py $(filter --quick,$(ARGS))

bench-trust: $(DEV) ## Measure what audit, secrets and known callers cost
	@$(BIN)/python benchmarks/trust.py $(ARGS)

bench-limits: $(DEV) ## Measure a permit beside the bare statement and pyrate-limiter
	@$(BIN)/python benchmarks/limits.py $(ARGS)

bench-cache: $(DEV) ## Measure the cache beside a dict, the bare driver, diskcache and cachetools
	@$(BIN)/python benchmarks/cache.py $(ARGS)

bench-data: $(DEV) ## Measure storing and reading candles beside bare Polars and a feather file
	@$(BIN)/python benchmarks/data.py $(ARGS)

bench-pages: $(DEV) ## Measure what a page costs beside 100,000 jobs and 1,000,000 audit rows
	@$(BIN)/python benchmarks/pages.py $(ARGS)

bench-live: $(DEV) ## Measure the API at 200 requests a second with and without 50 open pages
	@$(BIN)/python benchmarks/pages_load.py $(ARGS)

pictures: $(DEV) chromium ## Take the pictures of README and docs anew
	@MUNSHI_PICTURES='$(CURDIR)/docs/pictures' $(BIN)/pytest -q -n 0 tests/browser/test_pictures_in_browser.py

bench-masters: $(DEV) ## Measure loading a broker's list of 100,000 instruments
	@$(BIN)/python benchmarks/masters.py $(ARGS)

bench-validation: $(DEV) ## Measure a model validation of 500 samples
	@$(BIN)/python benchmarks/validation.py $(ARGS)

bench-backtest: $(DEV) ## Measure both kernels beside vectorbt and backtesting.py
	@$(BIN)/python benchmarks/backtest.py $(ARGS)

bench-options: $(DEV) ## Measure a year of weekly option selling as a job, in nautilus, and a sweep of it
	@$(BIN)/python benchmarks/options.py $(ARGS)

bench-jobs: $(DEV) ## Measure the job queue beside the bare driver and other job systems
	@$(BIN)/python benchmarks/jobs.py $(ARGS)

constraints: $(MADE) ## Pin every dependency again (ARGS=--upgrade for the newest)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url \
	  --no-annotate --no-header $(ARGS) -o constraints.txt pyproject.toml

clean: ## Remove all that make can build again; the demo's records stay
	@rm -rf $(VENV) .sdk .bench site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .numba_cache
	@find src tests scripts benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
