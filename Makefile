# Every command sets up what it needs; nothing has to be installed, started or exported before the first one.
# Needed: Python 3.11 or newer with venv, make, git.

PYTHON ?= python3
PORT ?= 8000
SANDBOX_PORT ?= 8900
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EMBEDDED := $(BIN)/python -m config.embedded
export PORT SANDBOX_PORT
export DJANGO_SETTINGS_MODULE := config.settings
export PYTHONPATH := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help run demo test soak soak-import lint audit format docs screenshots bench bench-quick lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name it with PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

run: $(STAMP) ## start everything, submit the first request, say what to open; ends with Ctrl-C
	$(EMBEDDED) -- $(BIN)/python -m config.run serve

demo: $(STAMP) ## the whole story without a person: submit, approve, credit, read back
	$(EMBEDDED) --temporary -- $(BIN)/python -m config.run demo

test: $(STAMP) lint bench-quick ## everything, on a real PostgreSQL and a real Valkey
	$(EMBEDDED) --temporary -- $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

soak: $(STAMP) ## a load over HTTP while everything is being killed, six minutes at most: ARGS="--seed 7"
	$(EMBEDDED) --no-servers -- $(BIN)/python -m tests.faults.soak --requests 2000 --seconds 350 $(ARGS)

soak-import: $(STAMP) ## an import of 100,000 rows, killed fifty times, ends as one that never was
	BACKFILL_KILLS=50 BACKFILL_ROWS=100000 $(EMBEDDED) --temporary -- $(BIN)/python -m pytest tests/goodwill/test_backfill_killed.py --durations 1 $(ARGS)

bench: $(STAMP) ## measure everything against the limits of this machine, and write docs/performance.md
	$(BIN)/python -m bench.all

bench-quick: $(STAMP) ## two minutes: has a ratio fallen by more than a third?
	$(EMBEDDED) --temporary -- $(BIN)/python -m bench.quick

lint: $(STAMP) ## ruff, mypy, import-linter, migrations, API schema
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(EMBEDDED) --no-servers -- $(BIN)/mypy .
	$(BIN)/lint-imports --no-logo
	$(EMBEDDED) --temporary -- $(BIN)/python manage.py makemigrations --check --dry-run
	$(EMBEDDED) --no-servers -- $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

# --strict: an advisory service that does not know a package is a failure, and not a clean bill.
audit: $(STAMP) ## known vulnerabilities of what production installs; asks pypi.org, and is no part of the tests
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt $(ARGS)

format: $(STAMP) ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(STAMP) ## write the generated parts of the documentation
	$(EMBEDDED) --no-servers -- $(BIN)/python -m docs.generate

screenshots: $(STAMP) ## take the pictures of the README and the documentation anew
	$(BIN)/python -m tests.e2e.screenshots
	$(EMBEDDED) --temporary -- $(BIN)/python -m docs.screenshots

lock: ## compile the pinned requirements from the short lists (needs uv)
	uv pip compile --quiet --generate-hashes --universal --no-emit-index-url --python-version 3.11 requirements.in -o requirements.txt
	uv pip compile --quiet --generate-hashes --universal --no-emit-index-url --python-version 3.11 requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and the data of development
	rm -rf $(VENV) var
