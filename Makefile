# What people type. `make run` needs requirements.txt only; `make test` and `make check` need requirements-dev.txt too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
MYPY := accounts api aws channels config dashboard domains inbound sandbox webhooks manage.py
# For commands that look at models and settings, and at no store.
CHECKING := READ_DOT_ENV=0 SECRET_KEY=checks-only-checks-only-checks-only-checks-only DATABASE_URL=sqlite://:memory: CELERY_BROKER_URL=memory://
# One test process for each core: each has a sandbox and a database of its own.
PYTEST := $(BIN)/python -m pytest -n auto
PYTEST_ARGS ?=
FUZZ_ARGS ?=
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# GNU make ends with 2, and words of its own, where a recipe failed. Not so where it only asks whether a target is up to
# date and a recipe runs all the same (+): there a recipe's 1 is its own. See docs/adr/0008-make-run-ends-with-1.md.
ifeq ($(MAKECMDGOALS),run)
MAKEFLAGS += --question
endif

.DEFAULT_GOAL := help
.PHONY: help run test fuzz storm check format migrations clean python

help:  ## what can be done here
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/installed  ## start everything on this machine: sandbox, web, worker, beat (WEB_PORT, AWS_PORT, DNS_PORT, SMTP_PORT, POSTERN_VAR)
	+@exec $(BIN)/python -m config.local --end-with-parent

test: $(VENV)/installed-dev  ## run the tests (PYTEST_ARGS="-k name")
ifeq ($(CHROMIUM),)
	@echo "No Chromium was found: THE BROWSER TESTS ARE LEFT OUT (Debian: apt-get install chromium)."
	@$(PYTEST) -m "not browser" $(PYTEST_ARGS)
else
	@echo "The browser tests run in $(CHROMIUM)."
	@$(PYTEST) $(PYTEST_ARGS)
endif

fuzz: $(VENV)/installed-dev  ## ask every contract what nobody thought of, on a product of its own (FUZZ_ARGS="--seed 7 email_domains")
	$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

storm: $(VENV)/installed-dev  ## mail by the thousand while everything that can die dies (STORM_ARGS="--mails 2000 --seed 7")
	$(BIN)/python -m tests.chaos.storm $(STORM_ARGS)

check: $(VENV)/installed-dev  ## the gates: style, types, the import ladder, migrations, settings, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(MYPY)
	$(BIN)/lint-imports
	$(CHECKING) $(BIN)/python manage.py makemigrations --check --dry-run
	$(CHECKING) $(BIN)/python manage.py check --fail-level ERROR
	$(BIN)/python scripts/check_sizes.py

format: $(VENV)/installed-dev  ## put the code into its one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrations: $(VENV)/installed-dev  ## write the migrations that the models ask for
	$(CHECKING) $(BIN)/python manage.py makemigrations

clean:  ## remove what was installed and cached; var/, the data, stays
	rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One clear line for the two things that are wrong most often, before anything is made.
python:
	+@command -v "$(PYTHON)" >/dev/null || { echo "Postern needs Python 3.11 or newer, and there is no $(PYTHON); name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	+@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Postern needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" -V 2>&1 | head -1); name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	+@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "Postern needs Python's venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }

# A Python that was asked for is looked at even when the virtual environment is there.
ifneq ($(filter command environment,$(origin PYTHON)),)
ASKED := python
endif

# An interrupted install leaves a folder without pip: it is made again.
$(VENV)/bin/python: | python
	+@"$(PYTHON)" -m venv --clear $(VENV)

$(VENV)/installed: requirements.txt constraints.txt | $(ASKED) $(VENV)/bin/python
	+@echo "Installing (once, and when requirements.txt changes) ..."
	+@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	+@$(PIP) -r requirements.txt -c constraints.txt
	+@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@$(PIP) -r requirements-dev.txt -c constraints.txt
	@touch $@
