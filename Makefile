# `make demo` and `make test` do all their set-up by themselves on a fresh machine: see deploy/setup.sh.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo demo-hub demo-releases run test check long api-lint any-day format bench docs lock clean setup setup-dev setup-tools image manifests \
  k8s-test up down logs partner demo-compose

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:
	@deploy/setup.sh run "$(PYTHON)"

setup-dev:
	@deploy/setup.sh dev "$(PYTHON)"

setup-tools:
	@deploy/setup.sh tools "$(PYTHON)"

demo: setup ## five purchases with a live view: one that goes well, two refused, a lost answer, a kill -9; then an audit
	@$(BIN)/milesaga demo

demo-hub: setup ## partners' events: a thousand receipts from a till to everybody who wants them
	@$(BIN)/milesaga demo --hub

demo-releases: setup ## a deployment that wants another person: approved in chat, changed, denied, frozen, broken, proved
	@$(BIN)/milesaga demo --releases

run: setup ## keep a stack up; PORT and MILESAGA_HOME let several stand side by side
	@exec $(BIN)/milesaga run

check: setup-dev ## formatting, lint, types, import rules, and every test that is not a long one
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 3 --dist loadfile --durations=20 --durations-min=5 -m "not long"

test: check ## the same as check

long: setup-dev ## the tests that kill and restart whole stacks, brokers and stores, or take minutes
	$(BIN)/pytest -q -n 3 --dist loadfile --durations=40 --durations-min=5 -m long

# Spectral over the OpenAPI and AsyncAPI documents. It takes Node.js, which nothing else here does.
api-lint: setup-dev ## Spectral over the OpenAPI and AsyncAPI documents; takes Node.js
	@cd deploy/api-lint && npm ci --silent
	@$(BIN)/python -m tests.component.web.document .api-lint
	@deploy/api-lint/node_modules/.bin/spectral lint --ruleset deploy/api-lint/spectral.yaml --fail-severity warn .api-lint/*.json

# SOME=3: three of the days, others every day, and fewer tests.
any-day: setup-dev ## the tests that touch dates, on other days; SOME=3 for three of them
	@deploy/setup.sh any-day "$(PYTHON)"
	@$(BIN)/python -m tests.any_day $(if $(SOME),--some $(SOME))

format: setup-dev ## put right automatically what can be
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

# AGAINST=v1.2 compares with another commit instead.
bench: setup-dev ## speed and size, and those of the peers; AGAINST=COMMIT compares with that commit
	@$(BIN)/milesaga bench $(if $(AGAINST),--against $(AGAINST))

lock: setup-dev ## the lock files again, after a change of dependencies
	@deploy/lock.sh

# ENGINE=podman builds it too: nothing in the Dockerfile is of one engine alone.
ENGINE ?= docker
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
image: ## the container image of every service; ENGINE=podman by another engine
	@$(ENGINE) build --tag milesaga:$(VERSION) --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) .

# The overlay's images must be in the cluster that KUBECONFIG names; one of its own is given them, built by Docker.
k8s-test: setup-dev ## the development overlay on a real cluster: KUBECONFIG's, else one by `kube`
	@$(BIN)/pytest -q tests/cluster

manifests: setup-dev ## compose file and Kubernetes manifests again, from the list of services
	@$(BIN)/milesaga deploy compose
	@$(BIN)/milesaga deploy kubernetes
	@$(BIN)/milesaga deploy grafana

# The whole system in containers. PROFILE=full: with Prometheus, Grafana, the OpenTelemetry collector and Jaeger.
COMPOSE = $(if $(filter full,$(PROFILE)),OTEL_EXPORTER_OTLP_ENDPOINT=http://otel:4318) \
  COMPOSE_PROFILES=$(PROFILE) MILESAGA_VERSION=$(VERSION) $(ENGINE) compose
up: image ## the whole system in containers; PROFILE=full with its observability
	@umask 077; touch .env; added=$$($(ENGINE) run --rm --interactive --network none milesaga:$(VERSION) deploy secrets <.env) && \
	  if [ -n "$$added" ]; then printf '%s\n' "$$added" >>.env; fi
	@$(COMPOSE) up --detach --wait
	@echo "ready http://$$($(COMPOSE) port gateway 8080)"

down: ## stop and remove those containers
	@COMPOSE_PROFILES=full $(ENGINE) compose down

# SERVICE=checkout: of one service alone
logs: ## follow their logs; SERVICE=checkout of one alone
	@$(COMPOSE) logs --follow --tail 100 $(SERVICE)

# NAME=my-shop: one more user on the composed stack's broker; prints its URL
partner: ## a partner's user on the composed stack's broker: NAME=my-shop; prints its URL
	@set -o pipefail; $(COMPOSE) run --rm --no-deps -T topology partners add $(NAME) | sed "s/@rabbitmq:5672/@$$($(COMPOSE) port rabbitmq 5672)/"

demo-compose: setup-tools up ## the demonstration over the containers
	@$(BIN)/milesaga demo --compose

clean: ## remove what was made here: environments, data, figures
	@rm -rf .venv .bench-venv .bench-venvs .milesaga bench.json .api-lint deploy/api-lint/node_modules

docs: setup ## the saga's picture and .env.example again
	@$(BIN)/python -m services.cli.picture docs/checkout.md
	@$(BIN)/milesaga config list --env > .env.example
