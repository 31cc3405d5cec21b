# Every target sets itself up: a virtual environment in .venv, then the pinned dependencies of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
# Footage for `make demo`; empty: the demo clip of the PyPI package sports2d.
VIDEO ?=
ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint size clean

help:
	@echo "make demo              3D poses on real footage, in pictures and JSON (VIDEO=path: on yours)"
	@echo "make test              the test suite (ARGS='-k geometry': a part of it)"
	@echo "make lint              ruff"
	@echo "make size              how much a runtime install puts on the disk"
	@echo "make clean             remove $(VENV)"
	@echo "PYTHON=python3.12      chooses the Python that $(VENV) is made with (3.11 or newer)"

demo: $(VENV)/.stamp-runtime
	$(BIN)/wildpose demo $(if $(VIDEO),--video "$(VIDEO)") $(ARGS)

test: $(VENV)/.stamp-test
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check src tests

# The runtime in a venv of its own, measured before and after: what `pip install wildpose` costs. 300 MB is the limit.
size: SIZED := $(VENV)/size
size: $(VENV)/.stamp-python
	@rm -rf $(SIZED) && $(BIN)/python -m venv $(SIZED)
	@empty=$$(du -sk $(SIZED) | cut -f1) && \
	$(SIZED)/bin/python -m pip install --quiet --disable-pip-version-check . && \
	full=$$(du -sk $(SIZED) | cut -f1) && rm -rf $(SIZED) && \
	added=$$(( (full - empty) * 1024 / 1000000 )) && \
	echo "runtime install: $$added MB on top of an empty venv of $$(( empty * 1024 / 1000000 )) MB" && \
	test $$added -lt 300

clean:
	rm -rf $(VENV)

$(VENV)/.stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: expected Python 3.11 or newer, \
	got $$($(PYTHON) -V 2>&1) from '$(PYTHON)'; name another, as in: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-runtime: pyproject.toml constraints.txt | $(VENV)/.stamp-python
	@echo "Installing wildpose into $(VENV) (NumPy, OpenCV, ONNX Runtime) ..."
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.stamp-test: pyproject.toml large/pyproject.toml constraints.txt | $(VENV)/.stamp-python
	@echo "Installing wildpose with training and tests into $(VENV) (PyTorch too: some minutes) ..."
	@$(INSTALL) --editable '.[train,data,serve,test,dev]' --editable ./large
	@touch $(VENV)/.stamp-runtime $@
