# What a developer types. Needs Python 3.11 or newer and make; everything else is fetched into .venv by the first command.
PY := .venv/bin/python
ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
# the environment's own Python once it is there, else the first on the path that is new enough
PYTHON ?= $(or $(wildcard $(PY)),$(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do $$name $(ENOUGH) 2>/dev/null && echo $$name && break; done))
CODE := shopapp sandbox dev migrations tests wsgi.py web_server.py
# processes that share the tests; 0 runs them in one
JOBS ?= 3
ARGS ?=
# the compiled files make every start three times as fast, and git ignores them
unexport PYTHONDONTWRITEBYTECODE

.PHONY: new-provider new-platform help run demo test check format lint rules venv lock shots bench check-openapi record clean torture grid sweep dates mutants hostile scans audit
.DEFAULT_GOAL := help

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: venv ## the whole program with its sandbox; Ctrl-C stops it (PORT=7700 is the sandbox shop's admin)
	@exec $(PY) -m dev.run

demo: venv ## installs, pays orders of every kind and holds the ledger against the shop (PROVIDER=phcgo: all its options; PLATFORM=shopkit: on Shopkit; CATALOGUE=1: products and stock, CATALOGUE=many: 10,000 of them)
	@exec $(PY) -m dev.demo $(ARGS)

test: venv ## every test but those of sweep, on SQLite and PostgreSQL (ARGS="-k word", JOBS=0, STRICT_SKIPS=1)
	@$(PY) -m pytest -q -n $(JOBS) -m "not sweep" $(ARGS)

# the folders that have tests with the marker sweep
SWEPT := browser contract dev end_to_end failure_table outages state_machines
sweep: venv ## the long tests: every unknown of the outside, every failpoint, all runs of the state machines, axe on every page (after test; ARGS="-k word")
	@$(PY) -m pytest -q -n $(JOBS) -m sweep $(addprefix tests/,$(SWEPT)) $(ARGS)

dates: venv ## the unit tests at six other moments, each in another zone (needs faketime; AT="2027-10-31 01:30" ZONE=Europe/Lisbon, ARGS="-k word")
	@AT='$(AT)' ZONE='$(ZONE)' JOBS=$(JOBS) $(PY) -m dev.dates $(ARGS)

check: lint test ## the one gate: format, lint, types, imports, tests

lint: venv ## format, lint, types, who imports whom
	@.venv/bin/ruff format --check --quiet $(CODE) || { echo 'Not formatted: make format'; exit 1; }
	@.venv/bin/ruff check --quiet $(CODE)
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-cache > .lint-imports.log 2>&1 || { cat .lint-imports.log; exit 1; }

rules: venv ## the rules of the code that no linter knows: sizes, texts, what must not be committed
	@$(PY) -m pytest -q -n 0 tests/architecture

format: venv ## formats every file
	@.venv/bin/ruff format --quiet $(CODE)
	@.venv/bin/ruff check --quiet --fix $(CODE)

shots: venv ## a picture of every page, in var/shots
	@$(PY) -m dev.screenshots $(ARGS)

bench: venv ## how long things take, measured here and now (ARGS=word chooses)
	@$(PY) -m dev.benchmarks $(ARGS)

TORTURE := LEVEL SEED PROMISE DB SABOTAGE PROVIDER PLATFORM ORDERS KILLS SECONDS FROZEN
torture: venv ## a shop at work while everything is killed (LEVEL=full|all|release SEED= PROMISE=by_key DB=sqlite PROVIDER=phcgo PLATFORM=shopkit)
	@$(foreach name,$(TORTURE),$(name)='$($(name))') $(PY) -m dev.torture

grid: venv ## every kill point x act x answer of the program, on PostgreSQL (ARGS="after_claim kill", DB=sqlite, PROMISE=all)
	@DB=$(DB) PROMISE=$(PROMISE) $(PY) -m tests.kill_points $(ARGS)

mutants: venv ## breaks each defence in a copy and runs the tests that must notice (ARGS="word word", JOBS=2)
	@JOBS=$(JOBS) $(PY) -m dev.mutants $(ARGS)

hostile: venv ## the whole attack and one table of its figures, on SQLite and PostgreSQL (ARGS="routes webhooks", DB=sqlite, SEED=7)
	@DB=$(DB) SEED=$(SEED) $(PY) -m tests.hostile $(ARGS)

check-openapi: venv ## holds the stand-in and the adapter against Jumpseller's own description (FILE=...)
	@test -n "$(FILE)" || { echo 'Name the description: make check-openapi FILE=path/to/jumpseller-openapi.json'; exit 1; }
	@$(PY) -m sandbox.jumpseller.openapi "$(FILE)"
	@$(PY) -m tests.contract.openapi "$(FILE)"

record: venv ## records the cassettes of the contract suites again, at the stand-ins
	@$(PY) -m tests.contract.record

new-provider: venv ## the skeleton of a further invoicing provider, its stand-in and tests (NAME=x; docs/adding-a-provider.md)
	@$(PY) -m dev.new_adapter provider '$(NAME)'

new-platform: venv ## the skeleton of a further shop platform, its stand-in and tests (NAME=x; docs/adding-a-platform.md)
	@$(PY) -m dev.new_adapter platform '$(NAME)'

venv: ## the environment alone, in .venv
	@$(or $(PYTHON),false) $(ENOUGH) 2>/dev/null || { echo 'Python 3.11 or newer is needed$(if $(PYTHON), and $(PYTHON) is not it): on Debian as root apt-get install python3 python3-venv, or name one: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) dev/bootstrap.py

lock: venv ## writes the locks anew from pyproject.toml and uv.in (UPGRADE=1 takes the newest releases)
	@.venv/bin/uv pip compile -q uv.in --universal --generate-hashes --no-header -o uv.pin
	@.venv/bin/uv pip compile -q pyproject.toml --universal --generate-hashes --no-header $(if $(UPGRADE),--upgrade) -o requirements.lock
	@.venv/bin/uv pip compile -q pyproject.toml --group dev --universal --generate-hashes --no-header $(if $(UPGRADE),--upgrade) -c requirements.lock -o requirements-dev.lock

scans: venv ## searches every commit for secrets and writes what ships as an SBOM, offline (var/sbom.json)
	@$(PY) -m dev.scans secrets sbom

audit: venv ## asks which of the locked packages are known to be vulnerable, and says about which nobody could be asked
	@$(PY) -m dev.scans audit

clean: ## forgets the environment and the data of make run
	@rm -rf .venv var
