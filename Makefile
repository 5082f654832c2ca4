# Every target sets up .venv first, and skips that when pyproject and constraints are unchanged.
PYTHON ?= python3.11
BIN := .venv/bin
ORACLES := .venv-oracles
ORACLES_STAMP := $(ORACLES)/ready-$(shell sha256sum < tests/oracles/requirements.txt | cut -c1-16)
DEPENDENCIES := $(shell cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)
STAMP := .venv/ready-$(DEPENDENCIES)
BASE := .venv-base
BASE_STAMP := $(BASE)/ready-$(DEPENDENCIES)

# Processes that run tests; each keeps a core busy. 0 runs them in one, as a debugger needs.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: help demo test test-quick test-real oracles base dashboard has-home bench lint format constraints clean

help:
	@echo "make demo       set up, simulate a fleet, cut clips, compare two networks, print a verdict"
	@echo "make test       set up, then run all tests that need no outside data"
	@echo "make test-quick run the quick tests only, for the inner loop: no browser, no training, no fleet"
	@echo "make test-real  run the tests on data that may not be redistributed (RIDEALONG_TEST_DATA)"
	@echo "make oracles    set up third-party readers in an environment of their own; tests use them if they are there"
	@echo "make base       set up an environment without extras; tests use it if it is there"
	@echo "make dashboard  serve the dashboard on the demo's lake; prints its address"
	@echo "make bench      run the benchmarks and write benchmarks/RESULTS.md"
	@echo "make lint       ruff, mypy --strict, import-linter"

$(STAMP):
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	$(BIN)/python -m ingest.simulation.cameras.compile
	rm -f .venv/ready-*
	touch $@

demo: $(STAMP)
	$(BIN)/ridealong demo

test: $(STAMP)
	$(PYTEST)

test-quick: $(STAMP)
	$(PYTEST) -m 'not slow and not browser and not real' \
	  --ignore tests/ingest/simulation --ignore tests/shadow/networks/hydranet

test-real: $(STAMP)
	@test -d "$$RIDEALONG_TEST_DATA" || { echo "set RIDEALONG_TEST_DATA to the folder of test data"; exit 2; }
	$(BIN)/python -m pytest -m real

oracles: $(ORACLES_STAMP)

$(ORACLES_STAMP):
	rm -rf $(ORACLES)
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/oracles/requirements.txt
	touch $@

base: $(BASE_STAMP)

$(BASE_STAMP):
	rm -rf $(BASE)
	$(PYTHON) -m venv $(BASE)
	$(BASE)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

dashboard: has-home $(STAMP)
	$(BIN)/ridealong dashboard

has-home: # before the set-up, which takes minutes
	@test -f "$${RIDEALONG_HOME:-ridealong-home}/home.json" || { echo "there is no home yet: run \`make demo\` first"; exit 2; }

bench: $(STAMP)
	$(BIN)/python -m benchmarks.run

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints: # after a change of the dependencies: resolve anew and pin what came
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e '.[all,dev]'
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf .venv $(ORACLES) $(BASE) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
