#!/usr/bin/env bash
# Reference replacement: the target of each round becomes the reference of the next. Ends with a report of all rounds.
# Usage: bash examples/rounds.sh CHECKPOINT [ROUNDS] [TRAIN-CL OPTIONS...]
#   CHECKPOINT  output of train-mle, such as nt.pt; nt_cl.pt, nt_ref1.pt, nt_cl2.pt, … are written next to it
#   ROUNDS      number of rounds; default: 2
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
usage="usage: bash examples/rounds.sh CHECKPOINT [ROUNDS] [TRAIN-CL OPTIONS...]"
check_arguments 1 1 "$usage" "${@:1:1}"
name=${1%.pt} rounds=${2:-2}
[[ $rounds =~ ^[1-9][0-9]*$ ]] ||
  wrong_command_line "ROUNDS is '$rounds'; a number comes before options of train-cl" "$usage"
shift $(($# < 2 ? $# : 2))

. "$(dirname "$0")/common.sh"

measure "$name"
measured=("$name.metrics.json" "$name.retrieval.json")
ref=$name
for ((round = 1; round <= rounds; round++)); do
  target="${name}_cl$([ "$round" = 1 ] || echo "$round")"
  once "$target.pt" clcap train-cl --ref "$ref.pt" --resume "$@"
  measure "$target"
  measured+=("$target.metrics.json" "$target.retrieval.json")
  [ "$round" = "$rounds" ] && break
  # Without --force, swap-reference would refuse a target that is the worse reference.
  once "${name}_ref$round.pt" clcap swap-reference --ref "$ref.pt" --candidate "$target.pt" --force
  ref="${name}_ref$round"
done
clcap report "${measured[@]}" --out "${name}_rounds.html"
