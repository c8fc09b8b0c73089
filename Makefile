# dockfleet: `make run` shows it, `make test` proves it.  `make help` lists the rest.

SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
# More than there are cores: nearly half of their time is waiting.
PARALLEL := -n 6 --dist worksteal
OTHERS := toolchains or attacks or fuzz
UNIT := --ignore=tests/real --ignore=tests/clients -m "not (engines or $(OTHERS))"
# Most of their time is waiting.  Each process starts engines of its own, so a file stays within one.
ENGINES := -n 3 --dist loadfile --no-loadscope-reorder -m engines
BUF := npx --yes @bufbuild/buf@1.75.0

.DEFAULT_GOAL := help
.PHONY: help run stop serve image unit test check format lock audit protos conformance docs bench attacks fuzz release clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(VENV)/ready: pyproject.toml clients/python/pyproject.toml uv.lock deploy/venv.sh
	deploy/venv.sh $(VENV)
	@touch $@

run: $(VENV)/ready ## show the main job on real hosts, and leave the gateway serving
	$(PYTHON) -m deploy.demo run

stop: ## take down all that `make run` started, and nothing else
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m deploy.demo stop; fi

serve: $(VENV)/ready ## run the gateway in the foreground; ARGS="--host a=unix:///…", see ARGS=--help
	$(VENV)/bin/dockfleet-gateway --log-format text $(ARGS)

image: $(VENV)/ready ## build the container image, into .state/image; ARGS="--output FILE"
	$(PYTHON) -m deploy.image $(ARGS)

# pytest rewrites the assertions of all test files, and keeps the result as bytecode if it may.  In a fresh clone each of
# the processes would do that for all files, which takes 39 seconds of CPU: two do it before, each for its half.
unit test: export PYTHONDONTWRITEBYTECODE =
REWRITTEN := tests/__pycache__
$(REWRITTEN): export PYTHONDONTWRITEBYTECODE =

$(REWRITTEN): | $(VENV)/ready
	@for half in "tests/rpc tests/web clients/python/tests" "$(filter-out tests/rpc/ tests/web/,$(wildcard tests/*/)) $(wildcard tests/test_*.py)"; do \
	  $(PYTHON) -m pytest --collect-only -qq $(UNIT) $$half >/dev/null & done; wait

unit: $(VENV)/ready $(REWRITTEN) ## run the tests that need neither root nor engines, in parallel
	$(PYTHON) -m pytest $(PARALLEL) $(UNIT) $(ARGS)

test: $(VENV)/ready $(REWRITTEN) ## do all the set-up and run every test; ARGS="-k logs" chooses
ifdef ARGS
	$(PYTHON) -m pytest $(ARGS)
else
	$(PYTHON) -m pytest $(PARALLEL) $(UNIT)
	$(PYTHON) -m pytest $(ENGINES)
	$(PYTHON) -m pytest -m "$(OTHERS)"
endif

check: $(VENV)/ready ## linters, types, the contract's lint, and whether generated code is fresh
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy -p clients.python.tests
	deploy/npm.sh
	cd protos && $(BUF) lint && $(BUF) format --diff --exit-code && $(BUF) breaking --against released.binpb

format: $(VENV)/ready ## format code and protos
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	deploy/npm.sh
	cd protos && $(BUF) format --write

lock: ## write uv.lock anew, with the newest versions that pyproject.toml allows
	$(VENV)/bin/uv lock --upgrade

audit: $(VENV)/ready ## ask for known vulnerabilities of what uv.lock names; AUDIT=required fails where it cannot ask
	deploy/audit.sh

protos: $(VENV)/ready ## generate the code of the contract anew
	PATH="$(abspath $(VENV)/bin):$$PATH" $(PYTHON) protos/generate.py
	$(PYTHON) protos/generate_clients.py

conformance: $(VENV)/ready ## play the scenarios with the clients, and break things; ARGS="--write" writes the tables
	$(PYTHON) clients/conformance/run.py $(ARGS)
	$(PYTHON) clients/conformance/faults.py $(ARGS)

docs: $(VENV)/ready ## write the generated parts of docs/ anew
	$(PYTHON) docs/generate.py
	$(PYTHON) -m deploy.grafana

bench: $(VENV)/ready ## measure against the docker SDK and the bare socket; ARGS="--quick"
	$(PYTHON) -m tests.bench $(ARGS)

attacks: $(VENV)/ready ## attack a gateway in full size, and write the table of docs/security.md; ARGS="NAME…" chooses
	$(PYTHON) -m tests.attacks --full --write docs/security.md $(ARGS)

fuzz: $(VENV)/ready ## fuzz the parsers of hostile bytes, for 10 minutes each; ARGS="frames --seconds 60" chooses
	@$(PYTHON) -c 'import atheris' 2>/dev/null || deploy/fuzzer.sh $(VENV)
	$(PYTHON) -m tests.fuzz $(ARGS)

release: ## take the contract as it is for the one that must not be broken from now on
	cd protos && $(BUF) build --exclude-source-info --output released.binpb

clean: stop ## remove the environment, and what tests and builds left
	rm -rf $(VENV) .state .pytest_cache .mypy_cache .ruff_cache .hypothesis clients/*/target \
	  clients/cpp/build clients/typescript/node_modules clients/typescript/dist clients/typescript/build
