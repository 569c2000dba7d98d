# Every target works from a fresh clone: `setup` runs first where it is needed.
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
DRAWDOWN := $(VENV)/bin/drawdown
export PYTHONPATH := src
DECIDING := tests/golden tests/unit/domain tests/unit/engine tests/unit/oracle tests/unit/scenario tests/unit/verify tests/unit/wire

.PHONY: compiled help setup demo demo-kill replay-azure replay-pods bench bench-quick bench-killed bench-latency bench-memory bench-stages bench-check bench-history test test-api chaos properties simulate coverage mutate check check-alerts model schemas format golden client lock clean soak bench-rebuild

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

setup: $(READY) ## make the virtual environment from the pinned, hashed requirements

$(READY): requirements/base.txt requirements/dev.txt pyproject.toml
	bash tools/make_venv.sh $(VENV)
	touch $@

# make reads --keep as its own --keep-going, -k: `make demo --keep` leaves all of it running
KEEP := $(if $(findstring k,$(firstword -$(MAKEFLAGS))),--keep)
demo: $(READY) ## rate a real trace on a real Kafka and Redis, and check every amount (--keep: leave it up, with the API)
	$(DRAWDOWN) demo $(KEEP)

demo-kill: $(READY) ## the same, with the worker killed and Redis emptied in the middle
	$(DRAWDOWN) demo --kill

replay-azure: $(READY) ## replay the Azure LLM trace on a stack of its own, and check it
	$(DRAWDOWN) replay examples/traces/azure_llm_inference_conv_2023.csv.gz --as inference --local

PODS := ../shared/data/alibaba_gpu_pods_2023.csv
replay-pods: $(READY) ## replay months of GPU containers by the trace's own clock (PODS=file), and check it
	$(DRAWDOWN) replay $(PODS) --as gpu-container --local

ROUNDS := 3
bench: compiled ## the worker beside a ceiling and stock Faust services, on one stack, in turns (ROUNDS=3; 40 minutes)
	$(PYTHON) -u -m bench.compare --rounds $(ROUNDS)

bench-quick: compiled ## the same, one round of what matters most (3 minutes)
	$(PYTHON) -u -m bench.compare --rounds 1 --only echo naive covered both

bench-latency: compiled ## milliseconds from publication to a charge that can be read, at steady rates (3 minutes)
	$(PYTHON) -u -m bench.latency

bench-killed: compiled ## how long charges stop when one of two workers is killed (2 minutes)
	$(PYTHON) -u -m bench.killed

bench-memory: compiled ## bytes of an account and of an id, in Redis and in a worker (1 minute)
	$(PYTHON) -u -m bench.memory

bench-stages: compiled ## where a worker's processor time goes, by stage (1 minute)
	$(PYTHON) -u -m bench.stages

bench-history: compiled ## what the history costs beside the worker, and its lag at 2,000 events/s, on SQLite and PostgreSQL (4 minutes)
	PYTHONPATH=src:. $(PYTHON) -u -m bench.history --rounds $(ROUNDS)

bench-check: compiled ## see that the ratios to naive service and echo are not below the recorded ones beyond the noise (10 minutes)
	$(PYTHON) -u -m bench.check

compiled: $(READY) ## compile the modules that rating spends its time in, for workers to use (C compiler; 2 minutes)
	$(PYTHON) tools/compile.py

test: $(READY) ## run all tests, in two processes, each with a stack of its own; workers run compiled if that can be had
	$(PYTHON) tools/compile.py --if-possible
	$(PYTHON) -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder
	if $(PYTHON) -c 'import drawdown, sys; sys.exit(not drawdown.COMPILED)'; then \
	  DRAWDOWN_TEST_COMPILED=1 $(PYTHON) -m pytest --numprocesses 2 $(DECIDING); fi

API_SECONDS := 210
API_SEED :=
test-api: $(READY) ## hold the HTTP API to its OpenAPI document, on a real stack (API_SECONDS=60, API_SEED=number; 5 minutes)
	PYTHONPATH=src:. $(PYTHON) -u -m tests.api --seconds $(API_SECONDS) $(if $(API_SEED),--seed $(API_SEED))

chaos: $(READY) ## every fault of docs/reliability.md on real processes behind faulty proxies (15 minutes)
	rm -f build/chaos/report.json
	$(PYTHON) -m pytest tests/chaos; $(PYTHON) -m tests.chaos.report

TIMES := 10
properties: $(READY) ## try the properties with 10 times as many examples, new ones each time (TIMES=100 for more)
	DRAWDOWN_EXAMPLES_TIMES=$(TIMES) $(PYTHON) -m pytest --numprocesses 2 --dist load tests/unit/oracle tests/unit/wire

SEEDS := 2000
FIRST := 1
simulate: $(READY) ## run the ledgers in memory with a fault at any await, SEEDS=2000 times; every invariant is looked at
	PYTHONPATH=src:. SEEDS=$(SEEDS) FIRST=$(FIRST) $(PYTHON) -m tests.simulation.ledgers.many

coverage: $(READY) ## see every branch of the domain taken by unit tests and scenarios
	mkdir -p build
	$(PYTHON) -m coverage run -m pytest tests/unit/domain tests/unit/scenario
	$(PYTHON) -m coverage report

MINUTES := 60
soak: $(READY) ## steady load for an hour (MINUTES=10), workers coming, going and killed; memory, files and lag must stay flat
	$(PYTHON) -u -m tests.soak --minutes $(MINUTES)

bench-rebuild: $(READY) ## how fast a million accounts and ten million ids are rebuilt, and in how much memory
	$(PYTHON) -u -m bench.rebuild --accounts 1000000 --ids 10000000

MUTATE :=
mutate: $(READY) ## plant mistakes in money, split, coverage and draw; the tests must notice (MUTATE='*money*' for one module)
	$(VENV)/bin/mutmut run $(if $(MUTATE),"$(MUTATE)")
	$(VENV)/bin/mutmut results

check: $(READY) ## lint, format, types, import layers, the money lint, the protocol as a model in small worlds
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) tools/money_lint.py
	$(PYTHON) -m drawdown.schemas --check
	$(PYTHON) -m tests.model --small

model: $(READY) ## check the protocol of a shard as a model at full depth (minutes)
	$(PYTHON) -m tests.model

schemas: $(READY) ## write the schemas anew from the definitions
	$(PYTHON) -m drawdown.schemas

client: $(READY) ## generate a Python client of the HTTP API into build/client, with what it needs in .venv-client
	bash tools/make_client.sh .venv-client build/client

check-alerts: ## test the alerts of Prometheus with promtool
	bash tools/check_alerts.sh

format: $(READY) ## format the code and mend what ruff can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

golden: $(READY) ## write the golden log of today's rules (REPLACE=--replace where they were never released)
	PYTHONPATH=src:. $(PYTHON) -m tests.golden.write $(REPLACE)

lock: $(READY) ## pin the requirements anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
		pyproject.toml --extra local -o requirements/base.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
		-c requirements/base.txt requirements/dev.in -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		-c requirements/dev.txt requirements/build.in -o requirements/build.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade requirements/client.in -o requirements/client.txt

clean: ## remove what the targets made
	rm -rf $(VENV) build mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
