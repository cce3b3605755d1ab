"""The attention file that caption writes beside the captions."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clcap_cli.console import print_info
from clcap_cli.decoding.settings import DecodingSettings

if TYPE_CHECKING:
    import numpy as np

    from clcap_cli.artifacts.checkpoints import Checkpoint
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.decoding.captioning import OnBlock
    from clcap_cli.models.captioner import Captioner


class AttentionOutput:
    """The attention file beside ``captions``, the output of caption."""

    def __init__(self, captions: Path, inputs: Iterable[Path]):
        """Raise ClcapError if the file cannot be written; it must be none of the ``inputs``."""
        from clcap_cli.artifacts.atomic import check_writable
        from clcap_cli.artifacts.attention import attention_path
        from clcap_cli.artifacts.output_path import check_names_beside

        self.path = attention_path(captions)
        check_names_beside(captions, [self.path])
        check_writable(self.path, inputs, [captions])

    def start(self, checkpoint: "Checkpoint", model: "Captioner", images: int, decoding: DecodingSettings) -> "OnBlock":
        """What ``decode`` calls with each block of images; raises ClcapError for a model without attention.

        Prints the largest possible size of the file; raises ClcapError if the disk has less free space.
        """
        from clcap_cli.artifacts.atomic import check_free_space
        from clcap_cli.artifacts.attention import attention_mebibytes
        from clcap_cli.evaluation.attention_recorder import AttentionRecorder
        from clcap_cli.models.attending import check_attends

        self.features = checkpoint.backbone
        self.recorder = AttentionRecorder(check_attends(model, checkpoint.model), checkpoint.tokenizer)
        longest = decoding.max_words or model.config.max_length
        size = attention_mebibytes(images * decoding.num_captions * longest, self.features.regions)
        check_free_space(self.path, size)
        print_info(f"{self.path} will have at most {max(size, 0.1):,.1f} MiB")
        return self.recorder.add

    def write(
        self,
        decoded: "Sequence[ImageId]",
        kept: "Iterable[ImageId]",
        origin: "Origin",
        boxes: "Sequence[np.ndarray] | None" = None,
    ) -> None:
        """Write the attention of the images ``kept``; ``decoded`` are all images in the order of decoding.

        ``boxes`` are those of the regions of the images ``kept``, if they are known.
        """
        from clcap_cli.artifacts.attention import write_attention

        captions = self.recorder.by_image(decoded)
        write_attention(self.path, {id: captions[id] for id in kept}, self.features, origin, boxes)
        print_info(f"the attention of these captions is in {self.path}")
