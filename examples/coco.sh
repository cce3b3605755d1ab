#!/usr/bin/env bash
# The paper's workflow on COCO, stage by stage. Existing files are kept, so the script can be interrupted and restarted.
# Usage: bash examples/coco.sh DATASET_COCO_JSON IMAGES [FOLDER]
#   DATASET_COCO_JSON  Karpathy's dataset_coco.json (113,287 / 5,000 / 5,000 images)
#   IMAGES             the folder that holds train2014/ and val2014/
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
usage="usage: bash examples/coco.sh DATASET_COCO_JSON IMAGES [FOLDER]"
check_arguments 2 3 "$usage" "$@"
dataset=$1 images=$2 out=${3:-coco}
. "$(dirname "$0")/common.sh"
mkdir -p "$out"

captions="$out/captions.h5" vgg16="$out/vgg16.h5" resnet152="$out/resnet152.h5"
once "$captions" clcap prepare-captions "$dataset" --min-count 6
once "$vgg16" clcap extract-features "$captions" --images "$images" --backbone vgg16.tv_in1k --resume
once "$resnet152" clcap extract-features "$captions" --images "$images" --backbone resnet152.tv_in1k --resume

# Maximum likelihood training of both captioners.
once "$out/nt.pt" clcap train-mle "$captions" "$vgg16" --model neuraltalk2 --lr 4e-4 --resume
once "$out/aa.pt" clcap train-mle "$captions" "$resnet152" --model adaptive-attention --lr 4e-4 --resume

# Contrastive learning, for NeuralTalk2 also with the stronger reference.
once "$out/nt_cl.pt" clcap train-cl --ref "$out/nt.pt" --k 5 --resume
once "$out/aa_cl.pt" clcap train-cl --ref "$out/aa.pt" --k 5 --resume
once "$out/nt_from_aa.pt" clcap train-cl --ref "$out/aa.pt" --target "$out/nt.pt" --k 5 --resume

for model in nt aa nt_cl aa_cl nt_from_aa; do measure "$out/$model"; done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --out "$out/report.html"

# The next round of reference replacement. The script stops here if the candidate is the worse reference.
once "$out/aa_ref1.pt" clcap swap-reference --ref "$out/aa.pt" --candidate "$out/aa_cl.pt"
once "$out/aa_cl2.pt" clcap train-cl --ref "$out/aa_ref1.pt" --k 5 --resume
measure "$out/aa_cl2"
