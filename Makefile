# Two commands: `make run` and `make test`. Each target does all that it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PORT ?= 8080
export KONTAKT_PORT := $(PORT)
export RASA_TELEMETRY_ENABLED := false
export UV_PYTHON_DOWNLOADS ?= automatic

APP := .venv/bin/python
RASA := .venv-rasa/bin/python

.PHONY: help run chat train check test lint bench lock clean

help: ## det här
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: .venv/.ready .venv-rasa/.ready ## starta assistenten på http://127.0.0.1:8080 (PORT= ändrar)
	@exec $(APP) -m bot run

chat: .venv/.ready ## prata med assistenten i terminalen (kräver make run i ett annat fönster)
	@$(APP) -m bot chat

train: .venv/.ready .venv-rasa/.ready ## träna om något har ändrats
	@$(APP) -m bot train

check: .venv/.ready .venv-rasa/.ready ## granska innehåll och träningsdata
	@$(APP) -m bot check
	@$(APP) -c 'from bot.rasa_project import validate; raise SystemExit(validate())'

test: .venv/.ready .venv-rasa/.ready .venv/.browser ## alla tester
	@$(APP) -m bot check
	@$(APP) -m pytest

lint: .venv/.ready ## ruff och mypy
	@$(APP) -m ruff check bot actions tests bench
	@$(APP) -m ruff format --check bot actions tests bench
	@$(APP) -m mypy bot actions

bench: .venv/.ready .venv-rasa/.ready ## mät svarstid, minne och start mot Rasas standard
	@$(APP) bench/turn.py

lock: ## lås versionerna på nytt ur pyproject.toml
	@uv="$$(deploy/find-uv)"; \
	 "$$uv" pip compile -q --upgrade --group rasa --python-version 3.10 --generate-hashes --no-emit-index-url -o requirements/rasa.txt pyproject.toml; \
	 "$$uv" pip compile -q --upgrade --group app --group dev --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/app.txt pyproject.toml

clean: ## ta bort miljöer, modeller och allt som programmet har sparat
	rm -rf .venv .venv-rasa .tools .rasa models var

.venv/.ready: requirements/app.txt
	@deploy/make-env .venv requirements/app.txt 3.11 3.12 3.13

.venv-rasa/.ready: requirements/rasa.txt
	@deploy/make-env .venv-rasa requirements/rasa.txt 3.10

.venv/.browser: .venv/.ready
	@deploy/find-chromium && touch $@
