# One runner for everything; every target sets up the virtual environment by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed-dev

.PHONY: demo run test check bench lock clean

demo: $(READY)
	$(BIN)/python bot.py demo

run: $(READY)
	$(BIN)/python bot.py run

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m benchmarks

# Resolves the newest versions that pyproject.toml allows; needs uv (pip install uv).
lock:
	uv pip compile -q --universal --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra postgres --extra charts pyproject.toml -o requirements.lock
	uv pip compile -q --universal --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra postgres --extra charts --group dev pyproject.toml -o requirements-dev.lock

$(READY): requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
