"""What can be found wrong with the inputs of a model before PyTorch, which takes seconds, is imported."""

from pathlib import Path


def check_split(checkpoint: Path, captions: Path | None, split: str) -> int:
    """The number of images in the split of the captions.h5 of a checkpoint, or of ``captions`` if given.

    Raises ClcapError if there are none.
    """
    from clcap_cli.artifacts import captions as captions_h5
    from clcap_cli.artifacts.lineage import RecordedArtifact, find_input, read_provenance

    recorded = RecordedArtifact(checkpoint, read_provenance(checkpoint))
    return captions_h5.check_split(find_input(recorded, "captions", captions, "--captions"), split)
