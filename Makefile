# One runner for everything; every target sets up the virtual environment by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
READY_DEV := $(VENV)/.installed-dev

.PHONY: demo setup run doctor test check bench pictures lock clean

demo: $(READY)
	$(BIN)/python bot.py demo

setup: $(READY)
	$(BIN)/python bot.py setup

run: $(READY)
	$(BIN)/python bot.py run

doctor: $(READY)
	$(BIN)/python bot.py doctor

# Half of the time goes by in waiting, which more workers overlap. Compiled modules are kept, because many tests start
# the bot in a process of its own.
test: $(READY_DEV)
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses 4 --dist loadfile

check: $(READY_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY_DEV)
	$(BIN)/python -m benchmarks

# Draws docs/pictures anew from the demo; needs Chromium.
pictures: $(READY_DEV)
	$(BIN)/python -m playground.pictures

# Resolves the newest versions that pyproject.toml allows; needs uv (pip install uv).
lock:
	uv pip compile -q --universal --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra postgres --extra charts pyproject.toml -o requirements.lock
	uv pip compile -q --universal --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra postgres --extra charts --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.lock | $(BIN)/python
	$(INSTALL) -r requirements.lock
	touch $@

$(READY_DEV): requirements-dev.lock | $(BIN)/python
	$(INSTALL) -r requirements-dev.lock
	touch $(READY) $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
