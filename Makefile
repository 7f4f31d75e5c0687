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
VALIDATE := $(APP) -c 'from bot.rasa_project import validate; raise SystemExit(validate())'

SV_CORE := sv_core/dist
export SV_CORE_SOURCES ?= $(abspath ../shared/sv-core)

.PHONY: help run chat train vectors check test test-heavy test-loop test-rabbitmq lint eval eval-baseline eval-redaction bench bench-nlu lock clean rasa-env widget sv-core eval-sv-core bench-sv-core sv-core-sources lock-sv-core

help: ## det här
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

run: .venv/.ready .venv-rasa/.ready ## starta assistenten på http://127.0.0.1:8080 (PORT= ändrar)
	@exec $(APP) -m bot run

chat: .venv/.ready ## prata med assistenten i terminalen (kräver make run i ett annat fönster)
	@$(APP) -m bot chat

train: .venv/.ready .venv-rasa/.ready ## träna om något har ändrats
	@$(APP) -m bot train

vectors: .venv/.ready .venv-rasa/.ready ## spara träningsfrasernas vektorer i bot/nlu/vectors.npz, så att första träningen går fortare
	@$(APP) -m bot train
	@cp models/vectors.npz bot/nlu/vectors.npz

check: .venv/.ready .venv-rasa/.ready ## granska innehåll och träningsdata
	@$(APP) -m bot check
	@$(VALIDATE)

test: .venv/.ready .venv-rasa/.ready .venv/.browser ## alla tester
	@$(APP) -m bot check
	@$(VALIDATE) & validating=$$!; $(APP) -m bot train && wait $$validating
	@$(APP) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-heavy: .venv/.ready .venv-rasa/.ready ## prova det tyngsta: delar av tjänsten och många processer som dödas, hundratusen rader i loggen, träning utan meningskodare
	@$(APP) -m pytest -m heavy

test-loop: .venv/.ready .venv-rasa/.ready .venv/.browser ## prova hela slingan från missförstått meddelande till ny modell, med riktig träning (några minuter)
	@$(APP) -m bot train
	@$(APP) -m pytest -s --override-ini addopts=--strict-markers tests/loop

test-rabbitmq: .venv/.ready ## prova händelser genom en riktig RabbitMQ (kräver Debians rabbitmq-server)
	@$(APP) -m pytest --override-ini addopts=--strict-markers tests/rabbitmq

eval: .venv/.ready .venv-rasa/.ready ## mät hur väl meddelanden förstås, på tests/nlu
	@$(APP) -m bot eval

eval-baseline: .venv/.ready .venv-rasa/.ready ## samma sak bredvid Rasas standard (DIET), som tränas en gång för varje nytt läge i data/nlu
	@$(APP) -m bot eval --baseline yes

eval-redaction: .venv/.ready .venv-rasa/.ready ## mät hur väl personuppgifter döljs, på tests/transcripts/redaction.yml (ERRORS=develop visar felen)
	@$(APP) -m bot.transcripts.measure $(if $(ERRORS),--errors $(ERRORS))

lint: .venv/.ready ## ruff och mypy
	@$(APP) -m ruff check bot actions tests bench sv_core
	@$(APP) -m ruff format --check bot actions tests bench sv_core
	@$(APP) -m mypy bot actions

bench: .venv/.ready .venv-rasa/.ready ## mät svarstid, minne och start mot Rasas standard
	@$(APP) bench/turn.py

widget: ## bygg chattrutan för andra webbplatser ur widget/ (kräver Node 20 eller nyare)
	@command -v npm >/dev/null || { echo "npm saknas. Installera Node 20 eller nyare och kör make widget igen." >&2; exit 1; }
	@cd widget && npm ci --silent && npm run --silent build
	@echo "bot/site/static/kontakt-chat.js är byggd: $$(gzip -9 -c bot/site/static/kontakt-chat.js | wc -c) byte med gzip."

rasa-env: ## installera Rasas miljö och språkmodellen på nytt
	@deploy/make-env .venv-rasa requirements/rasa.txt 3.10

sv-core: .venv-sv-core/.ready sv-core-sources ## bygg språkmodellen ur korpusarna (drygt en timme), se docs/sv-core.md
	@cd sv_core && OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 ../.venv-sv-core/bin/python -W ignore -m spacy project run all
	@echo "Lås den nya modellen med: make lock-sv-core"

eval-sv-core: .venv-sv-core/.ready sv-core-sources ## mät språkmodellen mot Explosions egna siffror
	@.venv-sv-core/bin/python -W ignore sv_core/evaluate.py $(SV_CORE)/sv_core_kontakt_sm-*.whl "$(SV_CORE_SOURCES)"

bench-nlu: .venv/.ready .venv-rasa/.ready ## mät tiden för att förstå ett meddelande, och vad 500 svar till gör
	@$(APP) -m bot train
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 LOG_LEVEL=WARNING $(RASA) -W ignore bench/nlu.py 2>/dev/null

bench-sv-core: .venv-rasa/.ready ## mät språkmodellens tid och minne på en kärna
	@$(RASA) -W ignore bench/sv_core.py

sv-core-sources:
	@test -d "$(SV_CORE_SOURCES)" || { echo "Korpusarna finns inte i $(SV_CORE_SOURCES). Sätt SV_CORE_SOURCES till mappen med dem; docs/sv-core.md säger vilka de är." >&2; exit 1; }

lock: ## lås versionerna på nytt ur pyproject.toml
	@uv="$$(deploy/find-uv)"; \
	 "$$uv" pip compile -q --upgrade --group sv-core --python-version 3.10 --generate-hashes --no-emit-index-url -o requirements/sv_core.txt pyproject.toml; \
	 "$$uv" pip compile -q --upgrade --group rasa --find-links $(SV_CORE) --no-emit-find-links --python-version 3.10 --generate-hashes --no-emit-index-url -o requirements/rasa.txt pyproject.toml; \
	 "$$uv" pip compile -q --upgrade --group app --group dev --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements/app.txt pyproject.toml

lock-sv-core: ## lås språkmodellens hjul i requirements/rasa.txt, allt annat som förut
	@"$$(deploy/find-uv)" pip compile -q --group rasa --upgrade-package sv-core-kontakt-sm --find-links $(SV_CORE) --no-emit-find-links --python-version 3.10 --generate-hashes --no-emit-index-url -o requirements/rasa.txt pyproject.toml

clean: ## ta bort miljöer, modeller och allt som programmet har sparat
	rm -rf .venv .venv-rasa .venv-sv-core .tools sv_core/build .rasa models var

.venv/.ready: requirements/app.txt
	@deploy/make-env .venv requirements/app.txt 3.11 3.12 3.13

.venv-rasa/.ready: requirements/rasa.txt
	@deploy/make-env .venv-rasa requirements/rasa.txt 3.10

.venv-sv-core/.ready: requirements/sv_core.txt
	@deploy/make-env .venv-sv-core requirements/sv_core.txt 3.10

.venv/.browser: .venv/.ready
	@deploy/find-chromium && touch $@
