#!/usr/bin/env bash
# Every table of the paper, as pipelines/ makes them, without a workflow engine: one stage after the other.
# Usage: bash examples/experiments.sh CAPTIONS FEATURES [FOLDER]
#   CAPTIONS, FEATURES  the files that prepare-captions and extract-features wrote
#   SEEDS, MLE, CL      environment variables: the seeds, and more options for train-mle and for every train-cl
# Files that exist are kept, so it can be interrupted and started again.
set -euo pipefail
usage="usage: bash examples/experiments.sh CAPTIONS FEATURES [FOLDER]"
captions=${1:?$usage} features=${2:?$usage} out=${3:-runs/experiments}
read -ra seeds <<< "${SEEDS:-1 2 3}"
read -ra mle <<< "${MLE:-}"
read -ra cl <<< "${CL:-}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
mkdir -p "$out"

# against REFERENCE OBJECTIVE NAME [OPTIONS...]: trains NAME.pt and measures it.
against() {
  local ref=$1 objective=$2 name=$3
  shift 3
  once "$name.pt" clcap train-cl --ref "$ref.pt" --objective "$objective" "${cl[@]}" --seed "$seed" "$@"
  measure "$name"
}

for seed in "${seeds[@]}"; do
  nt="$out/nt_$seed" aa="$out/aa_$seed"
  once "$nt.pt" clcap train-mle "$captions" "$features" --model neuraltalk2 "${mle[@]}" --seed "$seed"
  once "$aa.pt" clcap train-mle "$captions" "$features" --model adaptive-attention "${mle[@]}" --seed "$seed"
  for name in "$nt" "$aa"; do
    against "$name" positives-only "${name}_positives_only"       # ablation
    against "$name" negatives-only "${name}_negatives_only"
    against "$name" introspective "${name}_il" # against IL and GAN
    against "$name" adversarial "${name}_gan"
    against "$name" dpo "${name}_dpo"
    bash "$here/rounds.sh" "$name.pt" 2 "${cl[@]}" --seed "$seed" # self-retrieval, quality, replacement
  done
  against "$aa" contrastive "${nt}_from_aa" --target "$nt.pt" # generalisation
done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --tables "$here/../pipelines/tables.json" \
  --out "$out/report.html" --markdown "$out/tables.md"
