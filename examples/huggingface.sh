#!/usr/bin/env bash
# Captioners of Hugging Face from their folder and back: small ones with random weights are trained on generated scenes
# by maximum likelihood, then by contrastive learning with LoRA, measured, compared over seeds, and exported. With a
# trained captioner, such as BLIP, import-captioner replaces the first training.
# Usage: bash examples/huggingface.sh [FOLDER]
#   FAMILIES, SEEDS  environment variables; default: both families, vit-gpt2 and git, and seed 1
#   MLE, CL          further options of train-mle and train-cl
# Existing files are kept, so the script can be interrupted and restarted.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/arguments.sh"
check_arguments 0 1 "usage: bash examples/huggingface.sh [FOLDER]" "$@"
out=${1:-clcap-huggingface}
read -ra families <<< "${FAMILIES:-vit-gpt2 git}"
read -ra seeds <<< "${SEEDS:-1}"
read -ra mle <<< "${MLE:-}"
read -ra cl <<< "${CL:-}"
. "$here/common.sh"
python=$(dirname "$(command -v clcap)")/python
mkdir -p "$out"

scenes="$out/scenes" captions="$out/captions.h5"
[ -d "$scenes" ] || clcap make-scenes "$scenes" --seed 1
once "$captions" clcap prepare-captions --train "$scenes/captions_train.json" --val "$scenes/captions_val.json" \
  --test "$scenes/captions_test.json"

for family in "${families[@]}"; do
  for seed in "${seeds[@]}"; do
    name="$out/${family}_$seed"
    # A folder as Hugging Face saves captioners, and a checkpoint with its text part, image encoder and tokenizer.
    [ -d "$name" ] || "$python" "$here/small_captioner.py" "$family" "$captions" "$name" "$seed"
    once "$name.untrained.pt" clcap import-captioner "$name" --captions "$captions"
    # Maximum likelihood: all weights, those of the image encoder too.
    once "$name.pt" clcap train-mle "$captions" --images "$scenes/images" --init-from "$name.untrained.pt" \
      --train-encoder --no-augment --lr 1e-3 --encoder-lr 1e-3 --warmup-steps 100 --epochs 10 --patience 10 \
      --clip-norm 1 --seed "$seed" --resume "${mle[@]}"
    # Contrastive learning: adapters only; the reference is the same network without them.
    once "$name.features.h5" clcap extract-features "$captions" --images "$scenes/images" --encoder "$name.pt"
    once "${name}_cl.pt" clcap train-cl --ref "$name.pt" --features "$name.features.h5" --k 5 --lora 8 --lr 1e-3 \
      --epochs 2 --seed "$seed" --resume "${cl[@]}"
    for model in "$name" "${name}_cl"; do
      once "$model.captions.json" clcap caption "$model.pt" --features "$name.features.h5"
      once "$model.retrieval.json" clcap self-retrieve "$model.pt" --features "$name.features.h5"
      once "$model.metrics.json" clcap evaluate "$model.captions.json" --retrieval "$model.retrieval.json" \
        --metrics BLEU,CIDEr
    done
  done
  # A folder that transformers loads without clcap.
  [ -d "$out/${family}_distinctive" ] ||
    clcap export-captioner "$out/${family}_${seeds[0]}_cl.pt" "$out/${family}_distinctive"
  clcap compare "$out/${family}"_*.metrics.json --setting "${family}_{seed}" --setting "${family}_{seed}_cl"
done
clcap report "$out"/*.metrics.json "$out"/*.retrieval.json --out "$out/report.html"
