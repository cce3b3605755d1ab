#!/usr/bin/env bash
# Reference replacement: each round's target becomes the next round's reference; with a report of all rounds.
# Usage: bash examples/rounds.sh CHECKPOINT [ROUNDS] [TRAIN-CL OPTIONS...]
#   CHECKPOINT  what train-mle wrote, say nt.pt; beside it nt_cl.pt, nt_ref1.pt, nt_cl2.pt, nt_ref2.pt, … are made
#   ROUNDS      2 unless given
set -euo pipefail
name=${1:?usage: bash examples/rounds.sh CHECKPOINT [ROUNDS] [TRAIN-CL OPTIONS...]} rounds=${2:-2}
name=${name%.pt}
shift $(($# < 2 ? $# : 2))

# Does nothing where the file is there: files appear whole or not at all, so a broken-off script can be started again.
make() {
  local file=$1
  shift
  [ -e "$file" ] || "$@" --out "$file"
}
measured=()
measure() {
  make "$1.captions.json" clcap caption "$1.pt"
  make "$1.retrieval.json" clcap self-retrieve "$1.pt" --results "$1.captions.json"
  make "$1.metrics.json" clcap evaluate "$1.captions.json" --retrieval "$1.retrieval.json"
  measured+=("$1.metrics.json" "$1.retrieval.json")
}

measure "$name"
ref=$name
for ((round = 1; round <= rounds; round++)); do
  target="${name}_cl$([ "$round" = 1 ] || echo "$round")"
  make "$target.pt" clcap train-cl --ref "$ref.pt" "$@"
  measure "$target"
  [ "$round" = "$rounds" ] && break
  # Without --force it would end here where the target is the worse reference.
  make "${name}_ref$round.pt" clcap swap-reference --ref "$ref.pt" --candidate "$target.pt" --force
  ref="${name}_ref$round"
done
clcap report "${measured[@]}" --out "${name}_rounds.html"
