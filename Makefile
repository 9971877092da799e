# Every target does all that a fresh machine with Python 3.11 or newer needs.
# PYTHON=python3.12 names the interpreter; VENV=folder the environment.
.POSIX:
.PHONY: run test check unit test-newest lock bench soak clean

PYTHON =
VENV = .venv
BIN = $(VENV)/bin
INSTALL = @PYTHON='$(PYTHON)' requirements/install

# `make run PORT=8001 DATA=folder`
PORT = 8000
DATA = data
run:
	$(INSTALL) run $(VENV)
	@if test -e '$(DATA)/ledger.sqlite3'; then \
		echo 'Keys were shown when $(DATA) was made; make another with'; \
		echo '  $(BIN)/policy-service keys create --data $(DATA) --role platform --name NAME'; \
	else \
		POLICY_SERVICE_PORT=$(PORT) $(BIN)/policy-service init --data '$(DATA)'; \
	fi
	@$(BIN)/policy-service serve --data '$(DATA)' --port $(PORT)

test: check
	$(BIN)/pytest -n auto

# The fast lane: everything but the tests that take minutes.
unit:
	$(INSTALL) test $(VENV)
	$(BIN)/pytest -n auto --ignore=tests/durability --ignore=tests/properties --ignore=tests/soak

check:
	$(INSTALL) test $(VENV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The newest releases that setup.cfg allows, in an environment of their own.
test-newest:
	$(INSTALL) newest .venv-newest
	.venv-newest/bin/pytest -n auto

# Write the lists of releases in requirements/ again, from the newest that setup.cfg allows.
lock:
	@PYTHON='$(PYTHON)' requirements/lock

# `make bench ROWS="decide http"` runs these alone; FLAGS="--sample FILE" sends other events.
bench:
	$(INSTALL) bench $(VENV)
	@$(BIN)/python -m bench $(ROWS) $(FLAGS)

# Run the random tests and the kills DEPTH times as long, then send many events to one server.
# `make soak DECISIONS=20000 DEPTH=2` is shorter.
DECISIONS = 200000
DEPTH = 20
RANDOM = tests/rules tests/contracts tests/properties tests/durability \
	tests/policy_service/api/test_conformance.py
soak:
	$(INSTALL) test $(VENV)
	TEST_DEPTH=$(DEPTH) $(BIN)/pytest -n auto $(RANDOM)
	@$(BIN)/python -m tests.soak $(DECISIONS)

clean:
	rm -rf .venv .venv-* build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
