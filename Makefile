# Two verbs for everyone: `make demo`, `make test`. Everything else serves them.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))) python3.11)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test lint types bench conformance calibration clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found; set PYTHON=/path/to/python (3.11 or newer)"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

# Exit code 0 or 1 is a finished audit: the demo's model is flawed on purpose.
demo: setup
	$(BIN)/medaudit scan phantom:shortcut-marker --plan examples/demo.toml --out demo-audit || [ $$? -eq 1 ]
	@echo "open demo-audit/report.html"

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Type checkers do not see editable import hooks, so they are shown a real copy.
types: setup
	rm -rf build && $(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/types .
	$(BIN)/mypy

# What takes many minutes is run by its name.
LONG := conformance calibration null_simulations coverage_corruption confusion mitigation spurious spurious_mitigation spurious_real
bench: setup
	for script in $(filter-out $(LONG:%=benchmarks/%.py),$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

# Every architecture of the installed transformers; writes the tables and docs/architectures.md.
conformance: setup
	$(BIN)/python benchmarks/conformance.py

# Every probe on many clean and flawed phantoms (hours; resumable); writes the record and docs/calibration.md.
calibration: setup
	$(BIN)/python benchmarks/calibration.py

clean:
	rm -rf .venv build demo-audit
