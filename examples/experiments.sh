#!/usr/bin/env bash
# All tables of the paper, as in pipelines/, but without a workflow engine: one stage after the other.
# Usage: bash examples/experiments.sh CAPTIONS FEATURES [FOLDER]
#   CAPTIONS, FEATURES  the files that prepare-captions and extract-features wrote
#   SEEDS, MLE, CL      environment variables: seeds, and further options of train-mle and of every train-cl
# Existing files are kept, so the script can be interrupted and restarted.
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
usage="usage: bash examples/experiments.sh CAPTIONS FEATURES [FOLDER]"
check_arguments 2 3 "$usage" "$@"
captions=$1 features=$2 out=${3:-runs/experiments}
read -ra seeds <<< "${SEEDS:-1 2 3}"
read -ra mle <<< "${MLE:-}"
read -ra cl <<< "${CL:-}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
mkdir -p "$out"

# train_and_measure REFERENCE OBJECTIVE NAME [OPTIONS...]: trains NAME.pt and measures it.
train_and_measure() {
  local ref=$1 objective=$2 name=$3
  shift 3
  once "$name.pt" clcap train-cl --ref "$ref.pt" --objective "$objective" "${cl[@]}" --seed "$seed" --resume "$@"
  measure "$name"
}

for seed in "${seeds[@]}"; do
  nt="$out/nt_$seed" aa="$out/aa_$seed"
  once "$nt.pt" clcap train-mle "$captions" "$features" --model neuraltalk2 "${mle[@]}" --seed "$seed" --resume
  once "$aa.pt" clcap train-mle "$captions" "$features" --model adaptive-attention "${mle[@]}" --seed "$seed" --resume
  for name in "$nt" "$aa"; do
    train_and_measure "$name" positives-only "${name}_positives_only"       # ablation
    train_and_measure "$name" negatives-only "${name}_negatives_only"
    train_and_measure "$name" introspective "${name}_il" # against IL and GAN
    train_and_measure "$name" adversarial "${name}_gan"
    train_and_measure "$name" dpo "${name}_dpo"
    bash "$here/rounds.sh" "$name.pt" 2 "${cl[@]}" --seed "$seed" # self-retrieval, quality, replacement
  done
  train_and_measure "$aa" contrastive "${nt}_from_aa" --target "$nt.pt" # generalisation
done
# Captions of NeuralTalk2 and of people, ranked by other models; scores against the references of people's captions.
human="$out/human"
once "$human.captions.json" clcap leave-one-out "$captions"
once "$human.metrics.json" clcap evaluate "$human.captions.json" --references "$human.references.json"
for seed in "${seeds[@]}"; do
  nt="$out/nt_$seed"
  for name in "$nt" "${nt}_cl" "$human"; do
    for ranker in "$nt" "${nt}_cl" "$out/aa_$seed"; do
      [ "$name" = "$ranker" ] ||
        once "$name.by_${ranker##*/}.retrieval.json" clcap self-retrieve "$ranker.pt" --predictions "$name.captions.json"
    done
    [ "$name" = "$human" ] ||
      once "$name.left_out.metrics.json" clcap evaluate "$name.captions.json" --references "$human.references.json"
  done
done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --tables "$here/../pipelines/tables.json" \
  --out "$out/report.html" --markdown "$out/tables.md"
