"""Replaces the paths in COCO results by COCO's image ids, which are the last part of its file names.

Usage: python coco_ids.py INPUT.captions.json OUTPUT.captions.json
"""

import json
import sys
from pathlib import Path

source, out = map(Path, sys.argv[1:])
results = json.loads(source.read_text(encoding="utf-8"))
for result in results:
    result["image_id"] = int(Path(result["image_id"]).stem.rpartition("_")[2])
out.write_text(json.dumps(results), encoding="utf-8")
