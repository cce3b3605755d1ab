#!/usr/bin/env bash
# Sets up .venv and runs the tests. Usage: bash tests/run.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "$0")/.."
bash examples/setup.sh test
.venv/bin/ruff check clcap_cli tests examples pipelines
.venv/bin/ruff format --check clcap_cli tests examples pipelines
.venv/bin/mypy
.venv/bin/python -m pytest "$@"
