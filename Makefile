# `make demo` and `make test` do all their set-up by themselves on a fresh machine: see deploy/setup.sh.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo run test check api-lint any-day format bench docs lock clean setup setup-dev setup-tools image manifests \
  up down logs partner demo-compose

setup:
	@deploy/setup.sh run "$(PYTHON)"

setup-dev:
	@deploy/setup.sh dev "$(PYTHON)"

setup-tools:
	@deploy/setup.sh tools "$(PYTHON)"

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
	@$(BIN)/milesaga deploy compose
	@$(BIN)/milesaga deploy kubernetes

# The whole system in containers. PROFILE=full: with Prometheus, Grafana, the OpenTelemetry collector and Jaeger.
COMPOSE = COMPOSE_PROFILES=$(PROFILE) MILESAGA_VERSION=$(VERSION) $(ENGINE) compose
up: image
	@umask 077; touch .env; added=$$($(ENGINE) run --rm --interactive --network none milesaga:$(VERSION) deploy secrets <.env) && \
	  if [ -n "$$added" ]; then printf '%s\n' "$$added" >>.env; fi
	@$(COMPOSE) up --detach --wait
	@echo "ready http://$$($(COMPOSE) port gateway 8080)"

down:
	@COMPOSE_PROFILES=full $(ENGINE) compose down

# SERVICE=checkout: of one service alone
logs:
	@$(COMPOSE) logs --follow --tail 100 $(SERVICE)

# NAME=my-shop: one more user on the composed stack's broker; prints its URL
partner:
	@$(COMPOSE) run --rm --no-deps topology partners add $(NAME) | sed "s/@rabbitmq:5672/@$$($(COMPOSE) port rabbitmq 5672)/"

demo-compose: setup-tools up
	@$(BIN)/milesaga demo --compose

clean:
	@rm -rf .venv .bench-venv .milesaga bench.json .api-lint deploy/api-lint/node_modules

docs: setup
	@$(BIN)/python -m services.cli.picture docs/checkout.md
	@$(BIN)/milesaga config list --env > .env.example
