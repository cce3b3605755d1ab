#!/usr/bin/env bash
# The whole workflow on generated scenes: a table and a report that compare MLE with CL.
# Usage: bash examples/quickstart.sh [FOLDER]
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
check_arguments 0 1 "usage: bash examples/quickstart.sh [FOLDER]" "$@"
. "$(dirname "$0")/common.sh"
clcap demo "${1:-clcap-demo}"
