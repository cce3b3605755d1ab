#!/usr/bin/env bash
# From nothing to a table, MLE against CL, on the dataset that clcap draws itself.
# Usage: bash examples/quickstart.sh [FOLDER]
set -euo pipefail
. "$(dirname "$0")/common.sh"
clcap demo "${1:-clcap-demo}"
