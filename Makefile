# `make run` and `make test` do everything that a fresh machine with Python 3.11 needs.
.POSIX:
.PHONY: run test check unit clean

PYTHON = $$(command -v python3.11 || command -v python3)
BIN = .venv/bin

run: .venv/installed
	@test -e data/ledger.sqlite3 || $(BIN)/policy-service init --data data
	$(BIN)/policy-service serve --data data

test: check unit

check: .venv/installed-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/installed-tests
	$(BIN)/pytest -n auto

.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-tests: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

# `make bench ROWS="decide http"` runs these alone; FLAGS="--sample FILE" sends other events.
.PHONY: bench
bench: .venv/installed-bench
	@$(BIN)/python -m bench $(ROWS) $(FLAGS)

.venv/installed-bench: .venv/installed-tests
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

# `make soak DECISIONS=20000` asks for fewer.
DECISIONS = 200000
.PHONY: soak
soak: .venv/installed-tests
	@$(BIN)/python -m tests.soak $(DECISIONS)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
