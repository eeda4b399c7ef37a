# SPDX-License-Identifier: GPL-3.0-or-later
# Each target does its own set-up. What lint and test consist of is in noxfile.py.
SHELL := /bin/bash
.SHELLFLAGS := -ec
.NOTPARALLEL:

# Options for nox: make lint NOXFLAGS='--report table.json'
NOXFLAGS =
# A folder for reports of the tests: make test REPORTS=/tmp/reports
REPORTS =
NOX = nox="$$(lab/venv nox)/bin/nox"; "$$nox" $(NOXFLAGS)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: ## the walk-through in this terminal: four hosts, one playbook, and what a client sees
	lab/demo

.PHONY: shell
shell: ## a terminal in the configured cluster
	lab/demo --shell

.PHONY: lint
lint: ## every check that needs no kernel: style, types, documentation, licences, ansible-test sanity
	@$(NOX) --tags lint

.PHONY: test
test: ## every test, on a kernel with IPVS, and how long each part takes
	@tests/run $(REPORTS)

.PHONY: vm
vm: ## the README's commands on virtual machines with Debian's own kernels, with reboots: most of an hour without KVM
	@$(NOX) --session vm

.PHONY: bench
bench: ## how fast modules and playbook are beside the commands of a manual set-up, and that clients lose no request: some hours
	@$(NOX) --session bench bench_plan

.PHONY: docs
docs: ## the documentation as web pages, a page for each module and role among them
	@$(NOX) --session docs
