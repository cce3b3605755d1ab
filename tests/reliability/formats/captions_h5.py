"""``captions.h5``, as every stage of training reads it."""

from pathlib import Path

from tests.reliability.forked_hdf5 import fork_directly
from tests.reliability.fuzzing import Format
from tests.reliability.hdf5_mutations import HDF5_TOKENS, mutate_hdf5
from tests.reliability.seeds import files_of


def read(path: Path) -> None:
    """Open all of its content, and describe it."""
    fork_directly()
    from clcap_cli.artifacts.captions import open_captions

    captions = open_captions(path)
    assert len(captions.raw) == len(captions.word_tokens.lengths)
    for split in set(captions.splits.tolist()):
        captions.references(captions.rows_of(split))
    for tokens, length in zip(captions.word_tokens.tokens, captions.word_tokens.lengths, strict=True):
        captions.tokenizer.decode(tokens[:length].tolist())


FORMAT = Format("captions_h5", "captions.h5", read, files_of("captions.h5"), (mutate_hdf5,), HDF5_TOKENS)
