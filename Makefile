# `make demo` and `make test` are all that a fresh machine needs; each sets up .venv by itself.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test test-slurm check format lock bench clean

help:
	@echo "make demo    pre-train and fine-tune sixteen small models and open results/demo/report.html afterwards"
	@echo "make test    all tests but those on a real Slurm"
	@echo "make test-slurm  the tests on a real Slurm, where its packages are installed"
	@echo "make check   formatting, lint, types, who imports whom"
	@echo "make lock    the lock beside every spec; PTP_DATA_ROOT says where published tables are"
	@echo "make bench   the benchmarks behind docs/benchmarks.md"
	@echo "make clean   remove .venv; results stay"

.venv/.installed: envs/requirements.txt envs/requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $(PYTHON) is older; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "Setting up .venv: pinned packages, about 2.3 GB; this takes minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement envs/requirements-dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/.installed
	@echo "Some 2,000 core-seconds: twenty minutes or so on two idle cores. In another terminal: $(BIN)/ptp status specs/demo.yaml"
	@echo "Ctrl-C stops it; make demo goes on where it was."
	$(BIN)/snakemake
	@$(BIN)/ptp summary specs/demo.yaml

test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0 -m "not slurm"

# Apart from the others: a cluster of daemons wants the machine to itself.
test-slurm: .venv/.installed
	$(BIN)/python -m pytest tests/slurm

check: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile rules

format: .venv/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile rules

lock: .venv/.installed
	$(BIN)/ptp lock specs/*.yaml

bench: .venv/.installed
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf .venv
