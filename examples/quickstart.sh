#!/usr/bin/env bash
# From nothing to a table, MLE against CL, on the embedded data set. Usage: bash examples/quickstart.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
bash examples/setup.sh
.venv/bin/clcap demo "${1:-clcap-demo}"
