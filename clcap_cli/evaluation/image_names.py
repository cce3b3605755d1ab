"""File names of the evaluated images."""

from collections.abc import Sequence

from clcap_cli.datasets.records import ImageId
from clcap_cli.evaluation.inputs import EvaluationInputs


def file_names(ids: Sequence[ImageId], inputs: EvaluationInputs) -> dict[ImageId, str]:
    """The listed file name of each image of the references; else its id in the captions, which may be a file name."""
    own_id = {other: own for own, other in inputs.matching.pairs.items()}
    listed = {id: inputs.references.file_names.get(id) or inputs.prediction_names.get(own_id.get(id, id)) for id in ids}
    return {id: name or str(own_id.get(id, id)) for id, name in listed.items()}
