# Two commands: `make demo` and `make test`. Everything else is in `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export QAFLOW_HOME ?= $(CURDIR)/.home
ARGS ?=

.PHONY: help demo run test test-browser test-long lint bench screens wheel chromium libreoffice

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

# What pip says goes to standard error: `make demo ARGS="--no-serve --json"` prints one document and nothing else.
$(VENV)/.stamp: setup.cfg pyproject.toml requirements/lock.txt
	@{ test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/lock.txt -e '.[dev]' >&2
	@touch $@

demo: $(VENV)/.stamp ## five colleges, one simulated teaching year, then the server (ARGS="--no-serve --json")
	@$(BIN)/qaflow demo $(ARGS)

run: $(VENV)/.stamp ## the server and the scheduler on the database of QAFLOW_HOME
	@$(BIN)/qaflow run $(ARGS)

test: $(VENV)/.stamp ## the whole suite, PostgreSQL included
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-browser: $(VENV)/.stamp chromium libreoffice ## each role's day in Debian's Chromium, exports in LibreOffice
	@$(BIN)/python -m pytest -m browser tests/browser tests/test_exports_p32.py $(ARGS)

test-long: $(VENV)/.stamp ## the properties at their full size
	@$(BIN)/python -m pytest -m long $(ARGS)

lint: $(VENV)/.stamp ## style, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.stamp ## W1, W2, W3, readings and pages beside their floors (ARGS="--quick --json")
	@$(BIN)/qaflow bench $(ARGS)

screens: $(VENV)/.stamp chromium ## a picture of every page for each role into screens/ (ARGS="--role quality_office")
	@$(BIN)/python tests/browser/screens.py $(ARGS)

# The browser and fonts for both languages; where apt cannot install them, name your own browser in QAFLOW_CHROMIUM.
chromium:
	@test -n "$$QAFLOW_CHROMIUM" || { command -v chromium >/dev/null && fc-list :lang=zh 2>/dev/null | grep -q .; } || { \
	  echo "installing Debian's chromium and a Chinese font" >&2; as=""; test "$$(id -u)" = 0 || as=sudo; \
	  $$as apt-get update -qq >&2 && $$as apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >&2; }

libreoffice:
	@command -v soffice >/dev/null || { \
	  echo "installing Debian's LibreOffice Calc" >&2; as=""; test "$$(id -u)" = 0 || as=sudo; \
	  $$as apt-get update -qq >&2 && $$as apt-get install -y -qq --no-install-recommends libreoffice-calc >&2; }

wheel: $(VENV)/.stamp ## dist/qaflow-*.whl with templates, workflows and migrations in it
	@rm -rf build  # what was deleted since must not travel
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist . >&2
	@ls dist/*.whl
