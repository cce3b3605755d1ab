#!/usr/bin/env bash
# How well metrics agree with the expert judgements of Flickr8k: Kendall's tau-c of each metric's value per caption.
# Usage: bash examples/human_judgement.sh EXPERT TOKENS [FOLDER] [-- OPTIONS]
#   EXPERT   ExpertAnnotations.txt of Flickr8k
#   TOKENS   Flickr8k.token.txt
#   FOLDER   where files are written; default: human_judgement
#   OPTIONS  further options of clcap evaluate, such as --metrics BLEU,CIDEr
set -euo pipefail
usage="usage: bash examples/human_judgement.sh EXPERT TOKENS [FOLDER] [-- OPTIONS]"
expert=${1:?$usage} tokens=${2:?$usage} out=human_judgement
shift 2
if [ $# -gt 0 ] && [ "$1" != -- ]; then out=$1; shift; fi
if [ $# -gt 0 ] && [ "$1" = -- ]; then shift; fi
script="$(dirname "$0")/human_judgement.py"
. "$(dirname "$0")/common.sh"
python="$(dirname "$(command -v clcap)")/python"
[ -x "$python" ] || python=python3

"$python" "$script" prepare "$expert" "$tokens" "$out"
clcap evaluate --predictions "$out/predictions.jsonl" --references "$out/references.jsonl" \
  --cider-df "$out/documents.jsonl" --out "$out/judged.metrics.json" "$@"
"$python" "$script" correlate "$expert" "$tokens" "$out/judged.metrics.json"
