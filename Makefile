# What has to pass, and the few things that people do all day. `make check` is what CI runs.

RUN ?= uv run
TESTS ?= tests

.PHONY: check format-check lint types contracts test fmt bench picture

check: format-check lint types contracts test

format-check:
	$(RUN) ruff format --check

lint:
	$(RUN) ruff check

types:
	$(RUN) mypy

contracts:
	$(RUN) lint-imports --no-cache

# TESTS= leaves them out, for whoever has just run them.
test:
	$(if $(strip $(TESTS)),$(RUN) pytest $(TESTS),@echo "tests: left out, TESTS is empty")

fmt:
	$(RUN) ruff format
	$(RUN) ruff check --fix

bench:
	$(RUN) python -m benchmarks

picture:
	$(RUN) python docs/images/picture.py
