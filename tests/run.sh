#!/usr/bin/env bash
# Sets up .venv and runs linters and tests. Usage: bash tests/run.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "$0")/.."
bash examples/setup.sh test
.venv/bin/ruff check clcap_cli docs tests examples pipelines
.venv/bin/ruff format --check clcap_cli docs tests examples pipelines
.venv/bin/mypy
# One thread per process: several processes use the cores better than several threads.
export OMP_NUM_THREADS=1
.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal "$@"
