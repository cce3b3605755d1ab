#!/usr/bin/env bash
# The paper's workflow on COCO, stage by stage.
# Usage: bash examples/coco.sh DATASET_COCO_JSON IMAGES [FOLDER]
#   DATASET_COCO_JSON  Karpathy's dataset_coco.json (113,287 / 5,000 / 5,000 images)
#   IMAGES             the folder that holds train2014/ and val2014/
set -euo pipefail
dataset=${1:?usage: bash examples/coco.sh DATASET_COCO_JSON IMAGES [FOLDER]}
images=${2:?usage: bash examples/coco.sh DATASET_COCO_JSON IMAGES [FOLDER]}
out=${3:-coco}
mkdir -p "$out"

clcap prepare-captions "$dataset" --min-count 6 --out "$out/captions.h5"
clcap extract-features "$out/captions.h5" --images "$images" --backbone vgg16.tv_in1k --out "$out/vgg16.h5"
clcap extract-features "$out/captions.h5" --images "$images" --backbone resnet152.tv_in1k --out "$out/resnet152.h5"

# Both captioners by maximum likelihood.
clcap train-mle "$out/captions.h5" "$out/vgg16.h5" --model neuraltalk2 --lr 4e-4 --out "$out/nt.pt"
clcap train-mle "$out/captions.h5" "$out/resnet152.h5" --model adaptive-attention --lr 4e-4 --out "$out/aa.pt"

# Contrastive learning; NeuralTalk2 also from the stronger reference.
clcap train-cl --ref "$out/nt.pt" --k 5
clcap train-cl --ref "$out/aa.pt" --k 5
clcap train-cl --ref "$out/aa.pt" --target "$out/nt.pt" --k 5 --out "$out/nt_from_aa.pt"

measure() {
  clcap caption "$out/$1.pt" --split test
  clcap self-retrieve "$out/$1.pt" --split test --results "$out/$1.captions.json"
  clcap evaluate "$out/$1.captions.json" --split test --retrieval "$out/$1.retrieval.json"
}
for model in nt aa nt_cl aa_cl nt_from_aa; do measure "$model"; done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --out "$out/report.html"

# Reference replacement, the next round; it stops here where the candidate is the worse reference.
clcap swap-reference --ref "$out/aa.pt" --candidate "$out/aa_cl.pt"
clcap train-cl --ref "$out/aa_ref1.pt" --k 5
measure aa_ref1_cl
