"""COCO results whose ids are paths -> the same under COCO's own ids, which end its files' names.

Usage: python coco_ids.py READ.captions.json WRITE.captions.json
"""

import json
import sys
from pathlib import Path

read, write = map(Path, sys.argv[1:])
results = json.loads(read.read_text(encoding="utf-8"))
for result in results:
    result["image_id"] = int(Path(result["image_id"]).stem.rpartition("_")[2])
write.write_text(json.dumps(results), encoding="utf-8")
