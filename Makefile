# Everything a newcomer needs: `make demo` and `make test`, on Python 3.11 or 3.12, as root or not.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.jiexu-installed

.PHONY: help setup demo test check soak bench lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(STAMP) ## make .venv with every dependency, each checked against its hash

$(STAMP): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	  || { echo "Jiexu needs Python 3.11 or 3.12 (pgpy stops there); set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r constraints.txt
	$(RUN)python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

demo: setup ## two offices, a real SSH server, 200 people from one to the other
	$(RUN)jiexu demo

test: setup ## the whole test suite, in a process a core
	$(RUN)python -m pytest -n auto --maxprocesses 4 --dist worksteal

check: setup ## lint, types, import contracts, budgets
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)lint-imports
	$(RUN)python -m pytest -q tests/architecture

soak: setup ## the longer trials
	$(RUN)python -m pytest -m soak --timeout 3600

bench: setup ## speed beside the tools a user would script
	$(RUN)jiexu bench seal
	$(RUN)jiexu bench open
	$(RUN)jiexu bench sftp
	$(RUN)jiexu bench archive
	$(RUN)jiexu bench migrate

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --group dev pyproject.toml -o constraints.txt

clean: ## remove what make made
	rm -rf $(VENV) demo
