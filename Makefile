# Every target makes its own environment (.venv) and installs once; a stamp file remembers it.
#   make demo            predict on example photos, write an HTML page, print its path
#   make test            run the tests
#   make check           ruff + mypy + tests
#   make PYTHON=python3.12 test      use another interpreter (3.10 or newer)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# Official tools that the metrics are tested against. They pin old versions of what the rest needs, so
# they come without their dependencies, which are all there.
REFERENCES := pysodmetrics==1.6.2 cityscapesscripts==2.3.0 lvis==0.5.3
# Extra words for pytest, such as PYTEST_ARGS="-x tests/tasks".
PYTEST_ARGS ?=

.PHONY: help demo test check lint types pictures clean
.DEFAULT_GOAL := help

help:
	@sed -n '2,5p' Makefile | cut -c3-

demo: $(VENV)/.installed
	$(BIN)/visiongen demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: lint types test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

pictures: $(VENV)/.installed
	$(BIN)/python docs/make_pictures.py

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "visiongen needs Python 3.10 or newer; $(PYTHON) is not. Try: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/.created
	@echo "installing visiongen into $(VENV) (once; torch is large, this takes a few minutes)"
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(VENV)/.created
	@echo "installing visiongen and its test tools into $(VENV) (once; torch is large, this takes a few minutes)"
	$(PIP) -e '.[dev]'
	$(PIP) --no-deps $(REFERENCES)
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis out
