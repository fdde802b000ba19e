# Every target sets up what it needs first (.ci/setup.py); a second run finds it standing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test lint test-xcb test-offscreen soak check-all bench pictures gallery format clean
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
WORKED := example:worked-example
SHOT := $(BIN)/gradloom shot $(WORKED)
# One line a step: its name, then what it took.
step = @printf -- '-- $(1)\n'; TIMEFORMAT='   %0R s'; time

help: ## This list.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 26

run: .venv-run ## Open Gradloom; without a display, the worked example offscreen.
	@$(BIN)/gradloom

test: lint ## Everything that has to hold.
	@# One after the other: both train in processes of their own, which need the second core.
	@$(MAKE) --no-print-directory test-xcb
	@$(MAKE) --no-print-directory test-offscreen

lint: .venv-test ## Ruff, mypy and the import contracts.
	$(call step,ruff) { $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .; }
	$(call step,mypy) $(BIN)/mypy
	$(call step,import contracts) $(BIN)/lint-imports

test-xcb: .venv-test ## The window's tests under a virtual X server, with real mouse events.
	$(call step,window tests under Xvfb) env QT_QPA_PLATFORM=xcb xvfb-run --auto-servernum \
	  --server-args='-screen 0 1920x1200x24' $(PYTEST) -q --durations=5 tests/gui

test-offscreen: .venv-test ## All other tests, offscreen.
	@printf -- '-- tests\n'; env QT_QPA_PLATFORM=offscreen $(PYTEST) --durations=10

soak: .venv-test ## The tests in their long form (an hour or more).
	GRADLOOM_LONG=1 QT_QPA_PLATFORM=offscreen $(PYTEST) --timeout=7200 --durations=20

check-all: lint test-xcb soak ## Everything, long forms included.

bench: .venv-bench ## Speed beside PyTorch and JAX, the canvas beside a plain one; prints, never judges.
	@$(BIN)/gradloom bench
	@env QT_QPA_PLATFORM=offscreen $(PYTEST) -q -s tests/bench/test_canvas_frames.py

pictures: .venv-run ## Draws the README's pictures of the worked example anew.
	$(call step,docs/pictures) { \
	  $(SHOT) docs/pictures/backward.png --step 10; \
	  $(BIN)/gradloom shot lesson:backward docs/pictures/lesson.png --size 1280x800; \
	  $(SHOT) docs/pictures/why.png --panel why --select x; \
	  $(SHOT) docs/pictures/what-if.png --panel what_if --select x --theme light; \
	  $(BIN)/gradloom shot example:softmax-digits docs/pictures/training.png --epochs 40; \
	  $(BIN)/gradloom animate $(WORKED) --to docs/pictures/stepping.gif --force; }

gallery: .venv-test ## Draws the pictures of the gallery anew, and measures what the examples claim (minutes).
	@$(BIN)/python -m tests.lecture.pictures
	@$(BIN)/gradloom prove --seeds 5 --processes 2 --markdown > docs/lecture.md

format: .venv-test ## Formats the source.
	$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

clean: ## Removes the environment and every cache.
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
	  .import_linter_cache .benchmarks .coverage

.PHONY: .venv-run .venv-test .venv-bench
.venv-run .venv-test .venv-bench:
	@$(PYTHON) .ci/setup.py $(subst .venv-,,$@)
