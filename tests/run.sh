#!/usr/bin/env bash
# Sets up .venv and runs the tests. Usage: bash tests/run.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "$0")/.."
bash examples/setup.sh test
.venv/bin/ruff check clcap_cli docs tests examples pipelines
.venv/bin/ruff format --check clcap_cli docs tests examples pipelines
.venv/bin/mypy
# One thread a process: as many processes as cores do more than threads of one.
export OMP_NUM_THREADS=1
.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal "$@"
