# Every target does its own set-up; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BOARDS := rp2040 esp32
STUBS  := $(VENV)/stubs
# Campaigns, other interpreters and pages: they take long and reach nothing that the others do not
UNCOUNTED := cases device mutants docs faults plugin cards/test_lives.py firmware/test_model.py firmware/test_runtimes.py
OFFICE_SUITE := $(addprefix tests/,cards/test_terminal.py cards/test_vectors.py cards/test_scenarios.py \
	cards/test_card_images.py cases host/test_books.py host/test_withdraw.py host/test_read_port.py host/test_bad_rows.py host/test_clerks.py host/test_replaced.py)
NODE_MODULES := $(addsuffix /node_modules,tests/micropython tests/p1 tests/web)

.DEFAULT_GOAL := help
.PHONY: help run p1 dlms homeassistant casebook mutants test lint rules bench coverage size studies faults fuzz pulses cards kills stops soak hostile device office planted http panel shots layouts docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp  ## four months of a real household on a budget meter; plot in out/
	@mkdir -p out
	@$(BIN)/budgetmeter run --plot out/main-job.png --events out/main-job.csv
	@echo "plot: out/main-job.png  events: out/main-job.csv"

test: lint  ## lint, all tests on both interpreters and Numba, traceability
	@$(BIN)/python -m pytest -n 2 tests
	@$(BIN)/python -m tests.checks.traceability --quiet

lint: $(VENV)/test.stamp  ## ruff, pyright (boards against MicroPython's stubs), the portable subset, the firmware's imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@for board in $(BOARDS); do $(BIN)/pyright -p boards/$$board --pythonpath none || exit 1; done
	@$(BIN)/python -m tests.checks.portable

rules: $(VENV)/test.stamp  ## traceability: rule id, clause, where in the code, tests
	@$(BIN)/python -m tests.checks.traceability

bench: $(VENV)/test.stamp  ## figures as JSON lines, medians of several runs; NAME=rules for one
	@$(BIN)/python -m tests.bench $(NAME)

size: $(VENV)/test.stamp  ## write docs/size.json: octets of each .mpy, heap in the WebAssembly port
	@$(BIN)/python -m tests.boards.size

coverage: $(VENV)/test.stamp  ## lines and branches that CPython tests reach; fails below the floor in pyproject.toml
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 2 $(addprefix --ignore=tests/,$(UNCOUNTED)) tests
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

studies: $(VENV)/test.stamp  ## the four fleet studies of docs/fleet.md; plots in out/
	@mkdir -p out
	@$(BIN)/budgetmeter fleet compare flanders-10a flanders-6a --plot out/fleet-flanders.png
	@$(BIN)/budgetmeter fleet compare wallonia-friendly-hours wallonia-no-friendly-hours \
		--plot out/fleet-friendly-hours.png
	@$(BIN)/budgetmeter fleet compare wallonia-2020 wallonia-2020-hold --plot out/fleet-hold-2020.png
	@$(BIN)/budgetmeter fleet compare wallonia-notice-15 wallonia-notice-45 --plot out/fleet-notice.png

fuzz: $(VENV)/test.stamp  ## junk at the meter's port, edited cards at the terminal; SEED=n repeats one
	@$(BIN)/python -m tests.firmware.fuzz 10000000 $(SEED)
	@$(BIN)/python -m tests.cards.fuzz 20000 $(SEED)

faults: $(VENV)/test.stamp  ## power cuts everywhere, and in every recovery; CUT="rp2040 17:half" repeats one
	@$(BIN)/python -m tests.faults.campaign $(CUT)
	@$(if $(CUT),,$(BIN)/python -m tests.littlefs.unix)

pulses: $(VENV)/test.stamp  ## ten thousand trains of pulses and spikes on the counter of each board
	@$(BIN)/python -m tests.boards.trains 10000

kills: $(VENV)/test.stamp  ## kill -9 under load, 200 times on the same state; SEED=n repeats one
	@$(BIN)/python -m tests.emulate.killed 200 $(SEED)

stops: $(VENV)/test.stamp  ## fleet runs and sweeps stopped 40 times each, by Ctrl-C and kill -9; N=10 for fewer, SEED=n
	@$(BIN)/python -m tests.fleet.stops $(or $(N),40) $(or $(SEED),1)

soak: $(VENV)/test.stamp  ## a thousand meters in one process, asked 200,000 times over TCP
	@$(BIN)/python -m tests.emulate.soak

hostile: $(VENV)/test.stamp  ## two thousand hostile clients beside a thousand meters, and how long honest ones wait
	@$(BIN)/python -m tests.emulate.hostile

device: $(VENV)/test.stamp  ## the device suite and the list of a bench: TARGET=/dev/ttyACM0 KEY=vending.key HANDS=yes
	@$(BIN)/python -m pytest tests/device -rs $(if $(TARGET),--target $(TARGET)) $(if $(KEY),--key $(KEY)) $(if $(HANDS),-s --hands)

cards: $(VENV)/test.stamp  ## two thousand lives of cards, terminal, network and power cuts; N=100 for fewer
	@$(BIN)/python -m tests.cards.campaign $(N)

p1: $(VENV)/test.stamp  ## a thousand lives, their P1 telegrams read by four strangers; N=100 for fewer
	@$(BIN)/python -m tests.p1.lives $(N)

dlms: $(VENV)/test.stamp  ## a hundred thousand hostile conversations at a DLMS port; N=1000 for fewer, SEED=n repeats one
	@$(BIN)/python -m tests.dlms.fuzz $(or $(N),100000) $(SEED)

homeassistant: $(VENV)/test.stamp  ## Home Assistant's own schemas judge the discovery; HA_PYTHON=python3.13 or newer
	@$(BIN)/python -m tests.homeassistant $(HA_PYTHON)

docs: $(VENV)/docs.stamp  ## the documentation site in out/site; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

office: $(VENV)/test.stamp  ## two thousand lives of two offices, then their tests on PostgreSQL; N=100 for fewer
	@$(BIN)/python -m tests.cards.test_office_lives $(N)
	@$(BIN)/python -m pytest -q --books postgresql $(OFFICE_SUITE)

planted: $(VENV)/test.stamp  ## defects planted in the books, one by one: a test must notice each; N=3 for one
	@$(BIN)/python -m tests.cards.planted $(N)

casebook: $(VENV)/test.stamp  ## every number of the rule files changed by one; LIVES=500 random cases
	@$(BIN)/python -m tests.casebook.mutants
	@LIVES=$(or $(LIVES),250) $(BIN)/python -m pytest -q tests/casebook/test_lives.py tests/casebook/test_meter_lives.py tests/casebook/test_second_model.py

mutants: $(VENV)/test.stamp  ## small changes of the firmware, which a test must notice; SHARE=1/50 tries every fiftieth
	@$(BIN)/python -m tests.mutants $(SHARE) $(MODULE)

http: $(VENV)/test.stamp  ## ten thousand hostile shapes of calls, then 200 clients on a thousand meters; N=500 for fewer shapes
	@$(BIN)/python -m tests.web.hostile $(N)
	@$(BIN)/python -m tests.web.crowd

panel: $(VENV)/test.stamp  ## the page with a meter in it, one file that opens without a server; in out/
	@mkdir -p out
	@$(BIN)/budgetmeter panel --out out/meter.html

shots: panel  ## screenshots of that page at three widths, in out/shots; look at them
	@mkdir -p out/shots
	@$(BIN)/node tests/web/shots.mjs file://$(abspath out/meter.html) $(abspath out/shots)

layouts: $(VENV)/run.stamp  ## write firmware/meterfw/layouts.py and the byte tables
	@$(BIN)/python -m meterproto.generate
	@$(BIN)/python -m budgetmeter.report.kinds

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(NODE_MODULES) out .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "budgetmeter needs Python 3.11 or newer; set PYTHON=python3.x" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "could not make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }

$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[plot]'
	@touch $@

$(VENV)/docs.stamp: pyproject.toml | $(BIN)/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml tests/micropython/package-lock.json tests/p1/package-lock.json tests/web/package-lock.json | $(BIN)/python
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[lint]'
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade \
		--target $(STUBS)/rp2040 micropython-rp2-rpi_pico-stubs==1.27.0.post1
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade \
		--target $(STUBS)/esp32 micropython-esp32-esp32_generic-stubs==1.27.0.post1
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade \
		--target $(VENV)/readers dsmr-parser==1.4.2 pytz 2> /dev/null
	@cd tests/micropython && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@cd tests/web && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@cd tests/p1 && PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@
