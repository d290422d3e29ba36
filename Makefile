PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test quick cluster slow engines check benchmark clean

demo: .venv/demo
	$(BIN)/lstm-analysis run pipelines/sotu.yaml $(SETTINGS)

test: quick cluster

quick: .venv/test
	$(BIN)/python -m pytest -m "not slow and not cluster and not engines" --numprocesses 2 --dist loadscope

cluster: .venv/test
	$(BIN)/python -m pytest -m "cluster and not engines" --numprocesses 2 --dist loadfile

slow: .venv/test
	$(BIN)/python -m pytest -m "slow and not cluster and not engines" --numprocesses 2 --dist loadscope

engines: .venv/test  # Slurm, sshd, network namespaces, a browser: installs system packages, needs root and Debian
	sh tests/engines/install.sh
	LSTM_ANALYSIS_REQUIRE_ENGINES=1 $(BIN)/python -m pytest -m engines

check: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: .venv/test
	$(BIN)/python tests/benchmarks/inference.py

.venv/python:
	$(PYTHON) -m venv .venv
	touch $@

.venv/demo: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo]'
	touch $@

.venv/test: .venv/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo,test]'
	$(BIN)/python -m pip install --quiet --no-deps flashrnn==1.0.8 textgenrnn==2.0.0  # without Triton, TensorFlow
	touch .venv/demo $@

clean:
	rm -rf .venv runs build *.egg-info
