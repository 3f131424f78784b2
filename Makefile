# Trailhook's everyday commands. `make help` lists them; everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
UV ?= uv
.DEFAULT_GOAL := help
.PHONY: help install demo run test check format bench chaos lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.runtime ## make .venv with everything Trailhook needs to run

demo: $(VENV)/.runtime ## show the whole path on this machine; ONCE=1 checks it and stops
	@$(BIN)/python -m tests.demo $(if $(ONCE),--once)

run: $(VENV)/.runtime ## start Trailhook (trailhook up)
	@$(BIN)/trailhook up

test: $(VENV)/.dev ## run all tests; ARGS='-k name' picks some
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

check: $(VENV)/.dev ## format, lint, types, layers, deploy files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose*.yaml

format: $(VENV)/.dev ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## measure; ONLY=name picks one
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

chaos: $(VENV)/.dev ## break everything and count what is lost; SEED=1 SECONDS=60 SEEDS=5
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEEDS),--seeds $(SEEDS))

lock: ## resolve the two lock files anew (needs uv)
	env -u UV_FIND_LINKS -u UV_INDEX_URL -u UV_DEFAULT_INDEX $(UV) --no-config pip compile --universal --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --python-version 3.11 --upgrade \
		pyproject.toml --extra embedded --group build -o requirements.txt
	env -u UV_FIND_LINKS -u UV_INDEX_URL -u UV_DEFAULT_INDEX $(UV) --no-config pip compile --universal --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --python-version 3.11 --upgrade -c requirements.txt \
		--group dev -o tests/requirements.txt

clean: ## remove .venv and what the tools left
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.runtime: requirements.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: tests/requirements.txt $(VENV)/.runtime
	$(PIP) install --quiet --require-hashes --only-binary :all: -r tests/requirements.txt
	@touch $@
