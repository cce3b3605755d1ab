#!/usr/bin/env bash
# MLE against CL on Flickr8k (or any data set in Karpathy's layout), three seeds, as a table.
# Both models go into the same FOLDER, one after the other: FOLDER/tables.md and report.html are of all that is there.
# Usage: bash examples/flickr8k.sh DATASET_JSON IMAGES MODEL [FOLDER] [TRAIN-MLE OPTIONS...]
set -euo pipefail
usage="usage: bash examples/flickr8k.sh DATASET_JSON IMAGES neuraltalk2|adaptive-attention [FOLDER] [OPTIONS...]"
dataset=${1:?$usage} images=${2:?$usage} model=${3:?$usage} out=${4:-runs/flickr8k}
shift $(($# < 4 ? $# : 4))

clcap prepare-captions "$dataset" --out "$out/captions.h5"
clcap extract-features "$out/captions.h5" --images "$images" --out "$out/features.h5"
for seed in 1 2 3; do
  mle="$out/${model}_$seed"
  clcap train-mle "$out/captions.h5" "$out/features.h5" --model "$model" --seed $seed --out "$mle.pt" "$@"
  clcap train-cl --ref "$mle.pt" --k 5 --seed $seed
  for name in "$mle" "${mle}_cl"; do
    clcap caption "$name.pt" --split test
    clcap self-retrieve "$name.pt" --split test --results "$name.captions.json"
    clcap evaluate "$name.captions.json" --split test --retrieval "$name.retrieval.json"
  done
done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --tables "$(dirname "$0")/flickr8k.json" \
  --markdown "$out/tables.md" --out "$out/report.html"
