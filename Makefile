# SPDX-License-Identifier: GPL-3.0-or-later
# Each target does its own set-up.
SHELL := /bin/bash

.SHELLFLAGS := -ec
.NOTPARALLEL:
export LC_ALL := C.UTF-8

# The command behind it sees the tests' virtual environment first.
IN_VENV = venv="$$(lab/venv)"; PATH="$$venv/bin:$$PATH"
PYTEST = pytest --durations=5

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: ## the walk-through in this terminal: four hosts, one playbook, and what a client sees
	lab/demo

.PHONY: shell
shell: ## a terminal in the configured cluster
	lab/demo --shell

.PHONY: test
test: setup ## every test, and how long each part takes
	@table=; for part in unit host integration molecule; do \
	    started=$$SECONDS; \
	    $(MAKE) --no-print-directory test-$$part; \
	    table+="$$(printf '%-12s %5s s  passed' "$$part" "$$((SECONDS - started))")"$$'\n'; \
	done; printf '\n%s' "$$table"

.PHONY: setup
setup: ## what the demo and the tests need, once
	lab/setup

.PHONY: test-unit
test-unit: setup ## the pure parts
	$(IN_VENV) $(PYTEST) tests/unit

.PHONY: test-host
test-host: setup ## the lab and the collection's package, from the machine itself
	$(IN_VENV) $(PYTEST) tests/host

.PHONY: test-integration
test-integration: setup ## each module in network namespaces, on a kernel with IPVS
	$(IN_VENV) lab/run $(PYTEST) tests/integration

.PHONY: test-molecule
test-molecule: setup ## the whole cluster in containers, with traffic
	$(IN_VENV) lab/run molecule test --all
