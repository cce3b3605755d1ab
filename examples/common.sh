# Sourced by the other scripts. If clcap is not on the PATH, adds the .venv of the checkout, which is set up if needed.
set -euo pipefail
if ! command -v clcap > /dev/null; then
  checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  [ -x "$checkout/.venv/bin/clcap" ] || bash "$checkout/examples/setup.sh"
  PATH="$checkout/.venv/bin:$PATH"
fi

# once FILE COMMAND...: runs COMMAND --out FILE unless FILE exists. Files are never half-written, so an interrupted
# script continues where it stopped; with --resume, trainings continue from their saved state.
once() {
  local file=$1
  shift
  if [ -e "$file" ]; then echo "$file exists and is kept" >&2; else "$@" --out "$file"; fi
}

# measure NAME: writes captions, self-retrieval and metrics of NAME.pt next to it.
measure() {
  once "$1.captions.json" clcap caption "$1.pt"
  once "$1.retrieval.json" clcap self-retrieve "$1.pt" --predictions "$1.captions.json"
  once "$1.metrics.json" clcap evaluate "$1.captions.json" --retrieval "$1.retrieval.json"
}
