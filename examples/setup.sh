#!/usr/bin/env bash
# Creates .venv with clcap, unless it is up to date. Usage: bash examples/setup.sh [EXTRA]
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
check_arguments 0 1 "usage: bash examples/setup.sh [EXTRA]" "$@"
cd "$(dirname "$0")/.."
wanted="$(cat pyproject.toml constraints.txt) ${1:-}"
done_file=".venv/installed${1:+-$1}"
if [ -f "$done_file" ] && [ "$(cat "$done_file")" = "$wanted" ]; then exit 0; fi
python="$(command -v python3)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; $python is older" >&2; exit 1; }
echo "setting up .venv (some minutes, once)" >&2
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".${1:+[$1]}"
printf '%s' "$wanted" > "$done_file"
