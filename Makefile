# make help lists the targets. PYTHON=python3.13 uses that Python, in an environment of its own.
SHELL := /bin/sh
VENV := .venv$(patsubst python%,-%,$(notdir $(PYTHON)))
BIN := $(VENV)/bin
PLAY := $(BIN)/ansible-playbook
# The longest first: two run at a time
SCENARIOS := gateway two_machines gpu_hosts default
# These run beside the scenarios; readme_sandbox removes images and caches, so it is the last and alone
BESIDE := $(filter-out readme_sandbox,$(patsubst tests/end_to_end/test_%.py,%,$(wildcard tests/end_to_end/test_*.py)))
COMMA := ,
SPACE := $(subst ,, )
BOOTSTRAP := VENV=$(VENV) tests/sandbox/bootstrap.sh
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help setup prepare images sandbox sandbox-check sandbox-down test lint unit molecule end-to-end newest-python collection docs locks peer \
  bench bench-hosts bench-gateway bench-soak bench-rollout bench-fleet bench-checks bench-clients bench-weights secrets $(SCENARIOS:%=scenario-%)

# Each target makes the environment if there is none; setup, sandbox and test also update it
sandbox-check sandbox-down lint unit molecule end-to-end collection docs locks peer bench bench-hosts bench-gateway bench-soak bench-rollout bench-fleet bench-checks bench-clients bench-weights secrets: | $(VENV)
$(SCENARIOS:%=scenario-%): | $(VENV)
$(VENV):
	@$(BOOTSTRAP) requirements/test.txt

help: ## Show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## Install what deploying needs into .venv
	@$(BOOTSTRAP) requirements/run.txt

sandbox: ## Create a disposable host and deploy to it; only the GPU and TGI are simulated (as root)
	@tests/sandbox/checkout.sh refuse tgi-sandbox
	@$(BOOTSTRAP) requirements/test.txt engine
	@tests/sandbox/images.sh trixie
	@$(PLAY) -i inventories/sandbox tests/sandbox/create.yml
	@$(PLAY) -i inventories/sandbox site.yml
	@tests/sandbox/invite.sh

sandbox-check: ## Run the checks on the sandbox again
	@$(PLAY) -i inventories/sandbox playbooks/check.yml

sandbox-down: ## Remove the sandbox and all that belongs to it
	@$(PLAY) -i inventories/sandbox tests/sandbox/destroy.yml -e hosts_images_too=true

secrets: ## Make the API keys that consumers lack, into a vault: INVENTORY=inventories/mysite [OPTIONS=--ask-vault-pass]
	@test -n "$(INVENTORY)" || { echo 'Name the inventory, for example: make secrets INVENTORY=inventories/mysite'; exit 2; }
	@$(PLAY) -i $(INVENTORY) playbooks/secrets.yml $(or $(OPTIONS),--ask-vault-pass)

# With NEWEST, a part of the unit tests runs on that Python too, and one scenario runs on it instead
test: ## Run all tests and print how long each took (as root); PYTHON=python3.13 uses that Python, NEWEST= one more
	@tools/stages.sh prepare $(subst $(SPACE),$(COMMA),$(strip images lint $(NEWEST:%=newest-prepare))) \
	  $(subst $(SPACE),$(COMMA),$(strip slow:unit \
	  $(patsubst %-default,$(if $(NEWEST),newest-)%-default,$(SCENARIOS:%=scenario-%)) \
	  $(NEWEST:%=slow:newest-unit) $(BESIDE:%=end-to-end-%))) end-to-end-readme_sandbox

images:
	@tests/sandbox/images.sh trixie bookworm

prepare:
	@$(BOOTSTRAP) requirements/test.txt engine

lint: ## Check style and types
	@echo "yamllint" && $(BIN)/yamllint --strict .
	@echo "ansible-lint" && $(BIN)/ansible-lint --offline --strict
	@echo "ruff" && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@echo "mypy" && $(BIN)/mypy

unit: ## Run the unit tests; ROOM=gateway runs those of one room: a folder of tests/unit
	@tests=$$(test -z "$(ROOM)" || $(BIN)/python -m tools.room $(ROOM)) && \
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(LEFT_OUT:%=--ignore=%) $$tests

molecule: images $(SCENARIOS:%=scenario-%) ## Test all scenarios on disposable Debian 12 and 13 hosts (as root); scenario-NAME: one

$(SCENARIOS:%=scenario-%): scenario-%:
	@tests/sandbox/images.sh trixie bookworm
	@$(BIN)/molecule test --scenario-name $*

end-to-end: ## Test what README prints, models by name, llama.cpp's server and the collection (as root)
	@$(BIN)/pytest tests/end_to_end

end-to-end-%: | $(VENV)
	@$(BIN)/pytest tests/end_to_end/test_$*.py

newest-python: ## Run unit tests of our Python and a whole deployment on the newest Python of this machine (as root)
	@python=$$(tests/sandbox/find_python.sh newer python3) && \
	{ test -z "$$python" || { echo "Testing on $$python"; $(MAKE) NEWEST=$$python newest-stages; }; }

# Not lint: pyproject.toml names the Python that ruff and mypy judge for, whichever runs them
.PHONY: newest-prepare newest-unit newest-scenario-default newest-stages
newest-prepare newest-unit newest-scenario-default: newest-%:
	@$(MAKE) PYTHON=$(NEWEST) $*

# Not on two Pythons: playbooks and roles (YAML, templates, JavaScript; site.yml, diagnose.yml and prune_weights.yml run
# in the scenario on the newer one), the emulator, the sandbox and other things that no site runs
newest-unit: export LEFT_OUT := $(filter-out %/test_secrets.py,$(wildcard tests/unit/playbooks/test_*.py)) \
  $(addprefix tests/unit/,roles docs emulator sandbox benchmarks test_house.py test_patterns.py)

newest-stages:
	@tools/stages.sh newest-prepare newest-unit,newest-scenario-default

collection: ## Build the Ansible collection tgi.serving into build/
	@$(BIN)/python -m collection.build build

docs: ## Write the variable tables of the roles' READMEs
	@$(BIN)/python -m tools.role_tables
	@$(BIN)/python -m tools.catalogue_page

locks: ## Write requirements/*.txt, all files of all versions by hash, from *.in; OPTIONS=--upgrade takes newer versions
	@cd requirements && for name in run test scanners/gixy-next scanners/gixy-ng scanners/sslyze clients; do \
	  UV_CUSTOM_COMPILE_COMMAND="make locks" ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-emit-index-url --no-emit-find-links $(OPTIONS) $$name.in --output-file $$name.txt || exit; done

peer: ## Ask a real TGI what 3.3.7 was asked, print what differs: TGI=http://host:port, CASES=words in names
	@test -n "$(TGI)" || { echo 'Name the server, for example: make peer TGI=http://127.0.0.1:8080 CASES=chat'; exit 2; }
	@PYTHONPATH=tests/emulator $(BIN)/python -m peer.replay $(TGI) $(CASES)

bench: ## Measure a run that changes nothing, and Ansible's own round trips
	@$(BIN)/python -m benchmarks.no_change

bench-hosts: ## Measure a run that changes nothing on one disposable host and on eight (as root)
	@tests/sandbox/images.sh trixie
	@$(BIN)/python -m benchmarks.no_change --hosts 8

bench-gateway: ## Measure the gateway and a bare nginx, and write docs/performance.md (as root)
	@$(BIN)/python -m benchmarks.gateway --on 13 12

bench-soak: ## Attack a gateway for MINUTES (30), measure a client, and write docs/gateway.md (as root)
	@$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),30)

bench-rollout: ## Change options under load by site.yml and by docker compose, and write docs/rollout.md and .svg (as root)
	@tests/sandbox/images.sh trixie
	@$(BIN)/python -m benchmarks.rollout

bench-fleet: ## Plan a roll-out for 8 and 100 hosts without any, and write docs/rollout.md
	@$(BIN)/python -m benchmarks.fleet

bench-clients: ## Ask unmodified clients at a gateway that runs (INVENTORY) and on TGI's port, and write docs/clients.md (as root)
	@$(BIN)/python -m benchmarks.clients --inventory $(or $(INVENTORY),molecule/two_machines/inventory)

bench-weights: ## Fetch and prove GIB (20) of weights beside hf download and sha256sum, and write benchmarks/README.md
	@$(BIN)/python -m benchmarks.weights --gib $(or $(GIB),20)

bench-checks: ## Measure the checks and the same requests as uri tasks, and eight models and one
	@$(BIN)/python -m benchmarks.checks
