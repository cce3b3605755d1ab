#!/usr/bin/env bash
# How well metrics agree with the expert judgements of Flickr8k: Kendall's tau-c of each metric's value per caption.
# Usage: bash examples/human_judgement.sh EXPERT TOKENS [FOLDER] [-- OPTIONS]
#   EXPERT   ExpertAnnotations.txt of Flickr8k
#   TOKENS   Flickr8k.token.txt
#   FOLDER   where files are written; default: human_judgement
#   OPTIONS  further options of clcap evaluate, such as --metrics BLEU,CIDEr
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
usage="usage: bash examples/human_judgement.sh EXPERT TOKENS [FOLDER] [-- OPTIONS]"
files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do files+=("$1"); shift; done
check_arguments 2 3 "$usage" ${files[@]+"${files[@]}"} # an empty array is an error in old versions of bash
expert=${files[0]} tokens=${files[1]} out=${files[2]:-human_judgement}
if [ $# -gt 0 ]; then shift; fi
for option in "$@"; do
  case ${option%%=*} in
    --out | --predictions | --references) wrong_command_line "${option%%=*} is set by this script" "$usage" ;;
    --help | --print-config) wrong_command_line "with ${option%%=*}, nothing would be scored" "$usage" ;;
  esac
done
script="$(dirname "$0")/human_judgement.py"
. "$(dirname "$0")/common.sh"
python="$(dirname "$(command -v clcap)")/python"
[ -x "$python" ] || python=python3

"$python" "$script" prepare "$expert" "$tokens" "$out"
clcap evaluate --predictions "$out/predictions.jsonl" --references "$out/references.jsonl" \
  --cider-df "$out/documents.jsonl" --out "$out/judged.metrics.json" "$@"
"$python" "$script" correlate "$expert" "$tokens" "$out/judged.metrics.json"
