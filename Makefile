# `make demo` and `make test` do all their set-up by themselves on a fresh machine: see deploy/setup.sh.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo run test check api-lint any-day format bench docs lock clean setup setup-dev image manifests

setup:
	@deploy/setup.sh run "$(PYTHON)"

setup-dev:
	@deploy/setup.sh dev "$(PYTHON)"

demo: setup
	@$(BIN)/milesaga demo

run: setup
	@exec $(BIN)/milesaga run

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 3 --dist loadfile

test: check

# Spectral over the OpenAPI and AsyncAPI documents. It takes Node.js, which nothing else here does.
api-lint: setup-dev
	@cd deploy/api-lint && npm ci --silent
	@$(BIN)/python -m tests.component.web.document .api-lint
	@deploy/api-lint/node_modules/.bin/spectral lint --ruleset deploy/api-lint/spectral.yaml --fail-severity warn .api-lint/*.json

# SOME=3: three of the days, others every day, and fewer tests.
any-day: setup-dev
	@deploy/setup.sh any-day "$(PYTHON)"
	@$(BIN)/python -m tests.any_day $(if $(SOME),--some $(SOME))

format: setup-dev
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

bench: setup-dev
	@$(BIN)/milesaga bench

lock: setup-dev
	@deploy/lock.sh

# ENGINE=podman builds it too: nothing in the Dockerfile is of one engine alone.
ENGINE ?= docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image:
	@$(ENGINE) build --tag milesaga:$(VERSION) --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) .

manifests: setup-dev
	@$(BIN)/milesaga deploy kubernetes

clean:
	@rm -rf .venv .bench-venv .milesaga bench.json .api-lint deploy/api-lint/node_modules

docs: setup
	@$(BIN)/python -m services.cli.picture docs/checkout.md
