#!/usr/bin/env bash
# Captions your own photos with any checkpoint, on the screen and in own.captions.json.
# Usage: bash examples/own_images.sh CHECKPOINT IMAGE_OR_FOLDER...
set -euo pipefail
. "$(dirname "$0")/arguments.sh"
usage="usage: bash examples/own_images.sh CHECKPOINT IMAGE_OR_FOLDER..."
check_arguments 2 $# "$usage" "$@"
checkpoint=$1
shift
. "$(dirname "$0")/common.sh"

options=()
for path in "$@"; do options+=(--images "$path"); done
clcap caption "$checkpoint" "${options[@]}" --out own.captions.json
cat own.captions.json
