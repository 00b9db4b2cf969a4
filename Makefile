# make help lists the targets. Variables: PRESET, RUN, TEXT, ARGS, SEEDS, PYTHON.

PRESET ?= phrasebook
RUN ?= runs/$(PRESET)
ARGS ?=
SEEDS ?= 1 2 3
# As typed: neither make nor the shell looks inside.
export GLIMPSE_TEXT := $(value TEXT)

APP := .venv/bin/python -m app

.DEFAULT_GOAL := help
.PHONY: help setup train evaluate reproduce translate tune serve benchmark \
        variants notebooks test test-all lint clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

SUPPORTED := import sys, venv, ensurepip; \
	sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
FOUND = $(firstword $(foreach python,$(or $(PYTHON),python3 python \
	python3.13 python3.12 python3.11),$(shell \
	$(python) -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $(python))))
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

setup: .venv/ready ## make .venv and install what is needed

# Newer than what it was made from, or it is made again.
.venv/ready: requirements.txt pyproject.toml
	@test -n "$(FOUND)" || { echo "Glimpse needs Python 3.11, 3.12 or 3.13" \
	    "with its venv module and found none: install one, or name it:" \
	    "make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@.venv/bin/python -c '$(SUPPORTED)' 2>/dev/null \
	    || $(FOUND) -m venv --clear .venv
	@echo "Installing requirements.txt into .venv (2 GB, a few minutes)" >&2
	@$(PIP) --requirement requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

train: setup ## train PRESET in RUN, or continue where it was interrupted
	@$(APP) train --preset "$(PRESET)" --run "$(RUN)" --resume $(ARGS)

evaluate: setup ## measure RUN on the test split
	@$(APP) evaluate "$(RUN)" $(ARGS)

# A run that is interrupted goes on when the same command is given again.
reproduce: setup ## train PRESET with SEEDS; measure each, and all together
	@set -e; all=; for seed in $(SEEDS); do \
	    run="runs/reproduce/$(PRESET)-$$seed"; \
	    $(APP) train --preset "$(PRESET)" --seed $$seed --run "$$run" \
	        --resume $(ARGS); \
	    $(APP) evaluate "$$run" --split validation; \
	    $(APP) evaluate "$$run"; \
	    all="$$all $$run"; \
	done; set -- $$all; first="$$1"; shift; \
	if [ $$# -gt 0 ]; then \
	    for run; do set -- "$$@" --ensemble "$$run"; shift; done; \
	    $(APP) evaluate "$$first" "$$@"; \
	fi

translate: setup ## translate TEXT, or the lines of standard input
	@if [ -n "$$GLIMPSE_TEXT" ]; then printf '%s\n' "$$GLIMPSE_TEXT"; \
	else cat; fi | $(APP) translate "$(RUN)" $(ARGS)

# The default RUN is a training run: a search needs another folder.
tune: setup ## search for a better configuration than PRESET's (20 minutes)
	@$(APP) tune --preset "$(PRESET)" --run \
	    "$(if $(filter file,$(origin RUN)),runs/tune-$(PRESET),$(RUN))" $(ARGS)

serve: setup ## serve a page that shows where RUN looked, at http://127.0.0.1:8000
	@$(APP) serve "$(RUN)" $(ARGS)

benchmark: setup ## measure the speed of PRESET (by default, reference-bahdanau)
	@$(APP) benchmark --preset "$(if $(filter file,$(origin \
	    PRESET)),reference-bahdanau,$(PRESET))" $(ARGS)

variants: setup ## train every variant of the model on phrasebook (hours)
	@$(APP) variants $(ARGS)

notebooks: setup ## train what the notebooks use, then run them (30 minutes)
	@$(APP) variants --plan notebooks/runs.yaml --run runs/notebooks --jobs 2 \
	    $(ARGS)
	@.venv/bin/python -m app.experiments.notebook notebooks/*.ipynb

# Neighbours share what their modules set up, so each process has its half.
PYTEST := .venv/bin/python -m pytest -n 2 --dist worksteal

test: setup ## the tests, two at a time (6 to 9 minutes)
	@$(PYTEST) $(ARGS)

test-all: setup ## the tests, and every combination of model options (hours)
	@$(PYTEST) -m "slow or not slow" $(ARGS)

lint: setup ## format, rules and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

clean: ## remove caches and .venv; runs are kept
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
