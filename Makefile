# Everything happens in .venv, made on first use; `make` alone lists the targets.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench lock clean

PYTHON ?= python3
ARGS ?=

# Two processes for the tests; a file stays in one, for its fixtures. SPREAD= runs them in this one.
SPREAD ?= -n 2 --dist loadfile

PY := .venv/bin/python
CURATE := .venv/bin/curate
PIP := PYTHONUNBUFFERED=1 $(PY) -m pip --disable-pip-version-check --no-input
# pip either says all or nothing: keep the lines that show what one is waiting for.
PROGRESS := { grep --line-buffered -oE \
	'Downloading .*\([0-9]{2,}[0-9.]* (MB|GB)\)|Building wheel for .*: started|Installing collected packages' || true; }

# A stamp names the content it was made from: an unchanged lock file installs nothing, after a
# checkout or out of a cache too, where times mean nothing.
checksum = $(shell cksum < $(1) | cut -d ' ' -f 1)
CORE := .venv/.core-$(call checksum,requirements.lock)
ALL := .venv/.all-$(call checksum,requirements-all.lock)
SELF := .venv/.self-$(call checksum,pyproject.toml)

help: ## list the targets
	@echo 'usage: make TARGET [PYTHON=python3.12] [ARGS=...]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-6s %s\n", $$1, $$2}' Makefile

demo: $(SELF) ## build and validate the demo dataset (installs the core, no torch)
	$(PY) datasets/demo/render.py
	$(CURATE) build --artists datasets/demo/artists.yaml
	$(CURATE) validate datasets/demo/build
	@echo
	@echo 'The dataset is in datasets/demo/build. Look at:'
	@echo '  DATASHEET.md                what is in it, where from, under which rights'
	@echo '  manifests/train/data.jsonl  what audiocraft reads, one line a clip'
	@echo '  rejected.jsonl              what was left out, and why'

test: $(ALL) $(SELF) lint ## lint and run the tests (installs all, with torch: 6.5 GB); ARGS go to pytest
	$(PY) -m pytest $(SPREAD) $(ARGS)

lint: $(ALL) $(SELF) ## ruff and mypy
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

bench: $(ALL) $(SELF) ## run the benchmarks in tests/bench
	@set -e; for script in $(wildcard tests/bench/*.py); do echo "== $$script"; $(PY) "$$script"; done

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-index-url
lock: .venv/bin/uv ## write the lock files anew from pyproject.toml; ARGS=--upgrade takes newer versions
	.venv/bin/uv pip compile pyproject.toml --extra dev --extra train --group build \
		--group audiocraft $(LOCK) $(ARGS) -o requirements-all.lock
	.venv/bin/uv pip compile pyproject.toml --group build -c requirements-all.lock \
		$(LOCK) $(ARGS) -o requirements.lock

clean: ## remove caches, packages built and the demo's output; keeps .venv
	rm -rf dist .mypy_cache .pytest_cache .ruff_cache .hypothesis datasets/demo/build
	find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

.venv/bin/pip:
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v < (3, 14) or \
		sys.exit("Python 3.11, 3.12 or 3.13 is needed and $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12" % v)'
	"$(PYTHON)" -m venv .venv

$(CORE): | .venv/bin/pip
	@echo 'Installing what requirements.lock names (1.2 GB)'
	@set -o pipefail; $(PIP) install --require-hashes -r requirements.lock | $(PROGRESS)
	@rm -f .venv/.core-* && touch $@

$(ALL): $(CORE)
	@echo 'Installing what requirements-all.lock names (6.5 GB, minutes)'
	@set -o pipefail; $(PIP) install --no-deps --require-hashes --no-build-isolation \
		-r requirements-all.lock | $(PROGRESS)
	@rm -f .venv/.all-* && touch $@

$(SELF): $(CORE)
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@rm -f .venv/.self-* && touch $@

.venv/bin/uv: | .venv/bin/pip
	@$(PIP) install --quiet uv
