#!/usr/bin/env bash
# Captions for your own pictures, by any checkpoint.
# Usage: bash examples/own_images.sh CHECKPOINT IMAGE_OR_FOLDER...
set -euo pipefail
checkpoint=${1:?usage: bash examples/own_images.sh CHECKPOINT IMAGE_OR_FOLDER...}
shift
options=()
for place in "${@:?usage: bash examples/own_images.sh CHECKPOINT IMAGE_OR_FOLDER...}"; do
  options+=(--images "$place")
done
clcap caption "$checkpoint" "${options[@]}" --out own.captions.json
cat own.captions.json
