# Every target sets up what it needs by itself; a second run finds it done. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
# Where it is set, each process compiles anew what it imports, which takes longer than what most of them do.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
# A room without a module yet would be an error to mypy.
ROOMS := $(patsubst %/,%,$(sort $(dir $(wildcard streams/*.py encoders/*.py schemas/*.py tests/*.py benchmarks/*.py))))

# Tests that fetch a server from a package registry, or take minutes, run with SLOW=1.
ifeq ($(SLOW),1)
FAST := not broker and not models and not slow and not network
HEAVY := (broker or models or slow or network) and not chaos
else
FAST := not broker and not models and not slow and not network
HEAVY := (broker or models) and not slow and not network and not chaos
endif

# Its tests share one Milvus server, several at a time.
ON_MILVUS := tests/contract/test_candidate_index.py

.PHONY: help
help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(READY): deploy/locks/dev.lock pyproject.toml deploy/venv.sh
	@deploy/venv.sh deploy/locks/dev.lock
	@touch $@

.PHONY: setup
setup: $(READY) ## make the virtual environment in .venv

.PHONY: models
models: $(READY) ## fetch, check and convert the models (once)
	@$(BIN)/samesong models build

.PHONY: demo
demo: models ## the main job on real music: publish, decide, explain, drift
	@$(BIN)/samesong demo

.PHONY: test
test: test-fast simulate test-live ## all tests (SLOW=1: also the slow ones and those that fetch a server)

.PHONY: test-fast
test-fast: $(READY) ## the tests that need no broker, no model and no network
	@$(BIN)/pytest -q -n 2 -m "$(FAST)"

.PHONY: test-live
test-live: $(READY) ## the tests on a real broker and real models (SLOW=1: also those that take minutes)
	@# Most of it is waiting for brokers and groups; a file stays with one of the two, which has its own broker.
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "$(HEAVY)"

.PHONY: test-servers
test-servers: models ## the tests on a schema registry and a Milvus server, which are fetched once
	@# The index tests mostly wait, one as long as the other, for collections to be loaded.
	@$(BIN)/python -m tests.contract.milvus_server $(BIN)/pytest -q -n 6 -m "network and not chaos" $(ON_MILVUS)
	@$(BIN)/pytest -q -p no:xdist -m "network and not chaos" $(addprefix --ignore=,$(ON_MILVUS))

.PHONY: simulate
simulate: $(READY) ## run SEEDS seeds of the simulator (2,000), or one of them with its trace (SEED=7)
	@$(BIN)/python -m streams.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),2000))

.PHONY: chaos
chaos: $(READY) ## break running installations in every way there is; the outcomes go into docs/guarantees.md
	@CHAOS_OUTCOMES=$(CURDIR)/tests/chaos/outcomes.json $(BIN)/pytest -q -p no:xdist -m chaos tests/chaos; \
	status=$$?; $(BIN)/python -m tests.chaos.guarantees; exit $$status

.PHONY: chaos-short
chaos-short: $(READY) ## every crash point once, and one of each other kind; keeps no outcomes
	@# What shares an installation stays together; three at a time, since most of it is waiting for groups and brokers.
	@$(BIN)/pytest -q -n 3 --dist loadgroup -m "chaos and not slow" tests/chaos

.PHONY: guarantees
guarantees: $(READY) ## write docs/guarantees.md from what the chaos tests left
	@$(BIN)/python -m tests.chaos.guarantees

.PHONY: format
format: $(READY) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

.PHONY: format-check
format-check: $(READY) ## say whether the code is formatted
	@$(BIN)/ruff format --check --quiet .

.PHONY: lint
lint: $(READY) ## lint the code
	@$(BIN)/ruff check --quiet .

.PHONY: types
types: $(READY) ## check the types
	@$(BIN)/mypy --strict $(ROOMS)

.PHONY: schemas
schemas: $(READY) ## check the schemas against the records and against the released ones
	@$(BIN)/python -m schemas.generate --check
	@$(BIN)/python -m schemas.compatibility

.PHONY: docs
docs: $(READY) ## write the generated parts of the documentation anew
	@$(BIN)/python -m streams.settings_table

.PHONY: check
check: format-check lint types schemas ## everything that is checked without running the program

.PHONY: bench
bench: models ## measure, and write benchmarks/results (BENCH="pipeline ...": only these; about 15 minutes)
	@$(BIN)/python -m benchmarks $(BENCH)

.PHONY: lock
lock: ## resolve the dependencies anew and write deploy/locks (UPGRADE=1: to the newest versions)
	@uv=$$(deploy/venv.sh --uv); \
	compile="$$uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 $(if $(filter 1,$(UPGRADE)),--upgrade)"; \
	$$compile pyproject.toml --output-file deploy/locks/serve.lock; \
	$$compile pyproject.toml --group dev --output-file deploy/locks/dev.lock; \
	$$compile pyproject.toml --group dev --extra train --output-file deploy/locks/train.lock; \
	$$compile benchmarks/side_by_side/requirements.in --output-file benchmarks/side_by_side/requirements.lock

.PHONY: sbom
sbom: $(READY) ## write dist/sbom.cdx.json: every package and jar that serves, with digests (CycloneDX)
	@$(BIN)/python deploy/dependencies.py sbom dist/sbom.cdx.json

.PHONY: audit-dependencies
audit-dependencies: $(READY) ## ask a vulnerability service about the packages (REQUIRED=1: not reaching one fails)
	@$(BIN)/python deploy/dependencies.py audit $(if $(filter 1,$(REQUIRED)),--required)

.PHONY: clean
clean: ## remove the virtual environment and caches of this checkout (not the data, not the models)
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
