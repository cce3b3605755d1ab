# For other scripts, which read it: what a checkpoint is worth, as files beside it.
set -euo pipefail

# Does nothing where the file is there: files appear whole or not at all, so a broken-off script can be started again.
make() {
  local file=$1
  shift
  if [ -e "$file" ]; then echo "$file is there and stays as it is" >&2; else "$@" --out "$file"; fi
}
measure() {
  make "$1.captions.json" clcap caption "$1.pt"
  make "$1.retrieval.json" clcap self-retrieve "$1.pt" --results "$1.captions.json"
  make "$1.metrics.json" clcap evaluate "$1.captions.json" --retrieval "$1.retrieval.json"
}
