#!/usr/bin/env bash
# The whole workflow on a tiny dataset, for CI: fails as soon as a stage fails.
# Usage: bash examples/smoke.sh [COCO_FOLDER]
#   COCO_FOLDER  has annotations/captions_{train,val}2017.json, train2017/ and val2017/; default: generated scenes
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
check_arguments 0 1 "usage: bash examples/smoke.sh [COCO_FOLDER]" "$@"
coco=${1:-}
[ -z "$coco" ] || coco=$(cd "$coco" && pwd)
. "$(dirname "$0")/common.sh"
work=$(mktemp -d)
trap 'status=$?; rm -rf "$work"; [ $status = 0 ] || echo "smoke test FAILED" >&2' EXIT
cd "$work"

if [ -n "$coco" ]; then
  clcap prepare-captions --train "$coco/annotations/captions_train2017.json" \
    --val "$coco/annotations/captions_val2017.json" --limit 40 --min-count 2
  clcap extract-features captions.h5 --images "$coco/train2017" --images "$coco/val2017" --image-size 128
  split=val
else
  clcap make-scenes scenes --train 60 --val 20 --test 20
  clcap prepare-captions --train scenes/captions_train.json --val scenes/captions_val.json \
    --test scenes/captions_test.json --min-count 2
  clcap extract-features captions.h5 --images scenes/images --image-size 96
  split=test
fi
small="--hidden 64 --embedding 64 --epochs 3 --lr 5e-3"
clcap train-mle captions.h5 features.h5 --model neuraltalk2 $small --out nt.pt
clcap train-mle captions.h5 features.h5 --model adaptive-attention $small --out aa.pt
clcap train-cl --ref nt.pt --k 5 --epochs 1
clcap train-cl --ref aa.pt --target nt.pt --k 2 --epochs 1 --out nt_from_aa.pt
clcap caption nt_cl.pt --split "$split" --out nt_cl.captions.json
clcap self-retrieve nt_cl.pt --split "$split" --pool 10 --out nt_cl.retrieval.json
clcap evaluate nt_cl.captions.json --split "$split" --out nt_cl.metrics.json
clcap report nt_cl.metrics.json nt_cl.retrieval.json --out report.html
clcap swap-reference --ref nt.pt --candidate nt_cl.pt --force
clcap train-cl --ref nt_ref1.pt --k 1 --epochs 1
clcap show nt_ref1_cl.pt
echo "smoke test passed" >&2
