# Everything runs in .venv, which is made from requirements.lock when it is missing or older.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTS := $(wildcard tests integration conformance)
SCRIPTS := tools/lock tools/traceability tools/extract-tables
DOCUMENTS := $(wildcard README.md docs/*.md)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test soak check bench peers lock clean venv

demo: $(INSTALLED)
	$(BIN)/modality demo --output demo-output $(ARGS)

test: $(INSTALLED) peers
	$(BIN)/pytest -n auto --dist loadfile $(TESTS) $(ARGS)

# what `make test` leaves out, and the whole matrix of deadlines
soak: $(INSTALLED) peers
	$(BIN)/pytest -n auto --dist loadfile -m "soak or deadlines" $(TESTS) $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check . $(SCRIPTS)
	$(BIN)/ruff format --check . $(SCRIPTS)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
ifneq ($(DOCUMENTS),)
	$(BIN)/pytest -q $(DOCUMENTS)
endif
	$(BIN)/python tools/traceability

# every figure is a ratio within one run: machines differ, and so do days
bench: $(INSTALLED)
	@echo "# Results of \`make bench\`" > benchmarks/RESULTS.md; echo >> benchmarks/RESULTS.md
	@for each in benchmarks/bench_*.py; do $(BIN)/python $$each >> benchmarks/RESULTS.md || exit 1; done
	@cat benchmarks/RESULTS.md

# the hospital's other half, from real packages; PEERS=skip leaves them out
peers:
	@tools/install-peers

# pins that still fit are kept; ARGS=--upgrade renews them
lock:
	$(PYTHON) tools/lock $(ARGS)

clean:
	rm -rf $(VENV) demo-output build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
