from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.feature_reader import FeatureReader
from clcap_cli.artifacts.features import open_features
from clcap_cli.retrieval import scoring
from clcap_cli.retrieval.scoring import score_matrix


@pytest.mark.parametrize("name", ["nt.pt", "aa.pt"])
@pytest.mark.parametrize("at_once", [1, 7, 4096])
def test_every_pair_is_scored_as_if_alone(made_chain: Path, name: str, at_once: int, monkeypatch) -> None:
    monkeypatch.setattr(scoring, "PAIRS_AT_ONCE", at_once)
    model = open_checkpoint(made_chain / name).captioner(torch.device("cpu"))
    features = open_features(made_chain / "features.h5")
    reader = FeatureReader(features, features.ids[:5], model)
    captions = torch.tensor([[3, 4, 5], [2, 0, 0], [0, 0, 0], [3, 4, 5]])
    lengths = torch.tensor([3, 1, 0, 3])
    scores = score_matrix(model, reader, captions, lengths)
    visual = model.encode(reader.read(reader.blocks(99)[0]))
    for caption in range(4):
        for image in range(5):
            one = model.sequence_log_prob(
                visual, captions[caption : caption + 1], lengths[caption : caption + 1], torch.tensor([image])
            )
            assert scores[caption, image].item() == pytest.approx(one.item(), abs=1e-4)
