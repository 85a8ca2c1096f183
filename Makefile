# make help tells what there is
SHELL := /bin/sh
BIN := .venv/bin
PLAY := $(BIN)/ansible-playbook
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help setup sandbox sandbox-check sandbox-down test lint unit peer molecule test-sandbox docs bench bench-hosts bench-gateway bench-checks

# An environment comes first; sandbox, test and setup also bring it up to date
sandbox-check sandbox-down lint unit peer molecule test-sandbox docs bench bench-hosts bench-gateway bench-checks: | .venv
.venv:
	@tests/sandbox/bootstrap.sh requirements/test.txt

help: ## Show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## Get the Python environment for deploying (.venv)
	@tests/sandbox/bootstrap.sh requirements/run.txt

sandbox: ## Bring up a disposable host and deploy to it: real but for the GPU (as root)
	@tests/sandbox/bootstrap.sh requirements/test.txt engine
	@tests/sandbox/checkout.sh refuse tgi-sandbox
	@tests/sandbox/images.sh trixie
	@$(PLAY) -i inventories/sandbox tests/sandbox/create.yml
	@$(PLAY) -i inventories/sandbox site.yml
	@tests/sandbox/invite.sh

sandbox-check: ## Run the checks on the sandbox once more
	@$(PLAY) -i inventories/sandbox playbooks/check.yml

sandbox-down: ## Take the sandbox away, with everything in it
	@$(PLAY) -i inventories/sandbox tests/sandbox/destroy.yml -e hosts_images_too=true

test: ## Run every test: lint, unit tests, Molecule on Debian 12 and 13 (as root)
	@tests/sandbox/bootstrap.sh requirements/test.txt engine
	@$(MAKE) --no-print-directory lint unit molecule peer test-sandbox

lint: ## Check style and types
	@echo "yamllint" && $(BIN)/yamllint --strict .
	@echo "ansible-lint" && $(BIN)/ansible-lint --offline --strict
	@echo "ruff" && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@echo "mypy" && $(BIN)/mypy

unit: ## Run the unit tests
	@$(BIN)/pytest --numprocesses 2 --dist loadfile

peer: ## Check llama.cpp's own server, which nobody here wrote (Docker)
	@$(BIN)/pytest tests/end_to_end/test_llamacpp.py

molecule: ## Deploy to disposable Debian 12 and 13 hosts and look at them as a client would
	@tests/sandbox/images.sh trixie bookworm
	@$(BIN)/molecule test --scenario-name default
	@$(BIN)/molecule test --scenario-name gateway
	@$(BIN)/molecule test --scenario-name two_machines
	@$(BIN)/molecule test --scenario-name gpu_hosts

test-sandbox: ## Bring the sandbox up, use what it prints, take it away again
	@$(BIN)/pytest tests/end_to_end/test_readme_sandbox.py

docs: ## Write the variable tables of the roles' READMEs from their argument specs
	@$(BIN)/python -m tools.role_tables

bench: ## Time a run that changes nothing, beside Ansible's own round trips
	@$(BIN)/python -m benchmarks.no_change

bench-hosts: ## Time the run that changes nothing on one disposable host and on eight (as root)
	@tests/sandbox/images.sh trixie
	@$(BIN)/python -m benchmarks.no_change --hosts 8

bench-gateway: ## Measure what the gateway costs beside a bare nginx, and write docs/performance.md (as root)
	@$(BIN)/python -m benchmarks.gateway --on 13 12

bench-checks: ## Time the checks beside the same requests as uri tasks, and eight models beside one
	@$(BIN)/python -m benchmarks.checks
