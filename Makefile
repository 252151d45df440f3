# Everything is built under .chai, from the lock files; nothing else on the machine is touched.
PYTHON ?= python3.11
VENV := .chai/venv
LABEL_STUDIO_VENV := .chai/label-studio-venv
VLLM_VENV := .chai/vllm-venv
BIN := $(VENV)/bin
# Not compiled: that takes a minute of processor time, and Python compiles the modules that are used when they are.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check --no-deps --no-compile
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test test-browser test-chaos test-fuzz test-ray test-vllm test-demo lint bench clean lock

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.done $(LABEL_STUDIO_VENV)/.done ## Build both environments under .chai (done by the others where needed)

$(VENV)/.done: requirements.lock pyproject.toml
	@echo "Building the platform's environment (about two minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements.lock
	@$(BIN)/python $(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(LABEL_STUDIO_VENV)/.done: deploy/label_studio/requirements.lock
	@echo "Building Label Studio's environment (about two minutes, once)"
	@$(PYTHON) -m venv $(LABEL_STUDIO_VENV)
	@$(LABEL_STUDIO_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r deploy/label_studio/requirements.lock
	@touch $@

demo: setup ## Run the whole loop on practice clips with practice people, and say where to look (ENGINE=openai|gemini)
	@$(BIN)/chai demo $(if $(ENGINE),--engine $(ENGINE))

up: setup ## Start Dagster and Label Studio for daily work; prints addresses and log-ins
	@$(BIN)/chai up

down: ## Stop what `make up` or `make demo` started
	@if [ -x $(BIN)/chai ]; then $(BIN)/chai down --all; else echo "nothing is installed, nothing runs"; fi

status: setup ## Show what runs and where every batch stands
	@$(BIN)/chai status

test: setup ## Run the tests against a real Label Studio, S3 server and PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not chaos and not demo and not ray and not vllm"

test-browser: setup ## Drive the labeling pages in Chromium (needs the package chromium)
	@$(BIN)/python -m pytest -m browser tests/browser

test-chaos: setup ## Kill the platform at random points, and processes of a running one: nothing is lost (EVERY=1: each process)
	@$(BIN)/python -m pytest -m chaos tests/chaos $(if $(EVERY),--every-kill)

test-fuzz: setup ## Throw 2,000 damaged files, answers and texts of each kind at the platform (half an hour or more)
	@$(BIN)/python -m pytest -s --timeout 7200 --fuzz-cases 2000 tests/fuzz

test-ray: setup ## Work on a real Ray cluster of two nodes, and kill workers, drivers, runs and heads of it
	@$(BIN)/python -m pytest -s -m ray tests/executors

test-demo: setup ## Run the demo twice from nothing: it ends well, and the second time finds nothing to do
	@$(BIN)/python -m pytest -s -m demo tests/demo

test-vllm: setup $(VLLM_VENV)/.done ## Ask a real vLLM that serves a tiny model on this CPU (its environment takes 2.4 GB)
	@$(BIN)/python -m pytest -m vllm tests/vllm

$(VLLM_VENV)/.done: deploy/vllm/requirements.lock deploy/vllm/torchvision_on_cpu.py
	@echo "Building vLLM's environment (a few minutes, once)"
	@$(PYTHON) -m venv $(VLLM_VENV)
	@$(VLLM_VENV)/bin/python $(PIP_INSTALL) --require-hashes -r deploy/vllm/requirements.lock
	@$(VLLM_VENV)/bin/python deploy/vllm/torchvision_on_cpu.py
	@touch $@

lint: setup ## Formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright

bench: setup ## Measure speed and memory; prints a table and writes .chai/bench.json
	@$(BIN)/python -m tests.bench $(if $(SMOKE),--smoke)

clean: ## Remove everything under .chai (asks first where people's work is in .chai/work)
	@if [ -d .chai/work ] && [ "$(CONFIRM)" != yes ]; then \
	  echo ".chai/work holds the work of people (tables, annotations, media): make clean CONFIRM=yes removes it too"; exit 1; fi
	@$(MAKE) --no-print-directory down
	@rm -rf .chai .pytest_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

lock: ## Renew the lock files from pyproject.toml, deploy/label_studio/requirements.in and deploy/vllm/requirements.in
	@$(PYTHON) -m venv .chai/lock-venv && .chai/lock-venv/bin/pip install -qq uv
	@.chai/lock-venv/bin/uv pip compile -q pyproject.toml --extra demo --extra ray --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock
	@.chai/lock-venv/bin/uv pip compile -q deploy/label_studio/requirements.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o deploy/label_studio/requirements.lock
	@UV_FIND_LINKS="$$PIP_FIND_LINKS" .chai/lock-venv/bin/uv pip compile -q deploy/vllm/requirements.in --override deploy/vllm/overrides.txt --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -o deploy/vllm/requirements.lock
