"""CLIP (Radford et al. 2021) from a local folder of Hugging Face: embeddings of captions and of images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clcap_cli.datasets.records import ImageId
from clcap_cli.extras import import_optional

if TYPE_CHECKING:
    import torch

    from clcap_cli.encoders.clip_model import ClipModel
    from clcap_cli.features.image_files import ImageFile

PROMPT = "A photo depicts "
"""Text before every caption and reference, as in the code of CLIPScore's authors."""


@dataclass(frozen=True)
class ClipEncoder:
    """CLIP, opened when it is first used; see ImageTextEncoder."""

    folder: Path
    start_device: Callable[[], "torch.device"]
    find_files: "Callable[[Sequence[ImageId]], Sequence[ImageFile]]"
    """Function from ids of images to their files."""

    def check(self) -> None:
        """Open the model and compute its signature; raises ClcapError if its folder is unusable."""
        self.signature()

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """See TextEncoder."""
        from clcap_cli.encoders.texts import embed_in_batches

        model = self._model
        prompted = [PROMPT + text for text in texts]
        return embed_in_batches(prompted, model.token_counts, model.embed_texts, model.max_tokens, "CLIP")

    def embed_images(self, ids: Sequence[ImageId]) -> np.ndarray:
        """See ImageTextEncoder."""
        from clcap_cli.encoders.images import embed_in_batches

        files = self.find_files(ids)
        return embed_in_batches(files, self._model)

    def signature(self) -> dict[str, str]:
        """See TextEncoder."""
        return {"prompt": PROMPT.strip(), "texts": "as written", "embeddings": "fp32", **self._model.signature}

    @cached_property
    def _model(self) -> "ClipModel":
        import_optional("transformers", f"the CLIP model {self.folder}")
        from clcap_cli.encoders.clip_model import ClipModel

        return ClipModel(self.folder, self.start_device())
