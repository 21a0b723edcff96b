# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo run test check format bench lock clean

$(VENV)/.run: requirements.lock pyproject.toml
	@deploy/setup.sh "$(PYTHON)" "$(VENV)" requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@deploy/setup.sh "$(PYTHON)" "$(VENV)" requirements-dev.lock
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/milesaga demo

run: $(VENV)/.run
	@exec $(BIN)/milesaga run

check: $(VENV)/.dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/pytest -q

test: check

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

bench: $(VENV)/.dev
	@$(BIN)/milesaga bench

lock: $(VENV)/.dev
	@deploy/lock.sh

clean:
	@rm -rf $(VENV) .bench-venv .milesaga bench.json
