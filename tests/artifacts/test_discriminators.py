import pickle
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.discriminators import open_discriminator, write_discriminator
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig

CPU = torch.device("cpu")


@pytest.fixture
def written(made_chain: Path, tmp_path: Path) -> tuple[Path, Discriminator]:
    captions, features = open_captions(made_chain / "captions.h5"), open_features(made_chain / "features.h5")
    discriminator = Discriminator(DiscriminatorConfig(len(captions.tokenizer), features.backbone.pooled_channels, 6, 9))
    origin = Origin("train-cl", {"seed": 7})
    origin.add_input("captions", captions)
    path = tmp_path / "nt_gan.discriminator.pt"
    write_discriminator(path, discriminator, captions.tokenizer, features.backbone, {"epochs": 2}, origin)
    return path, discriminator


def test_a_discriminator_survives_a_round_trip(written: tuple[Path, Discriminator], made_chain: Path) -> None:
    path, discriminator = written
    found = open_discriminator(path)
    assert found.config == discriminator.config
    assert found.training == {"epochs": 2}
    assert found.tokenizer == open_captions(made_chain / "captions.h5").tokenizer
    assert found.backbone == open_features(made_chain / "features.h5").backbone
    again = found.discriminator(CPU)
    assert not again.training
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in discriminator.state_dict().items())


def test_show_describes_a_discriminator_and_its_inputs(written: tuple[Path, Discriminator], clcap) -> None:
    path, _ = written
    assert read_provenance(path).format == "clcap/discriminator"
    answer = clcap("show", path)
    assert answer.status == 0
    assert "discriminator of captions, hidden 9, embedding 6" in answer.out
    assert "captions: " in answer.out


def test_captioners_and_discriminators_are_told_apart(
    written: tuple[Path, Discriminator], made_chain: Path, refused
) -> None:
    path, _ = written
    assert refused("caption", path) == f"{path} is a clcap/discriminator file; clcap/checkpoint is expected here"
    with pytest.raises(ClcapError, match=r"nt.pt is a clcap/checkpoint file; clcap/discriminator is expected here"):
        open_discriminator(made_chain / "nt.pt")


def test_a_truncated_file_is_refused(written: tuple[Path, Discriminator], refused) -> None:
    path, _ = written
    path.write_bytes(path.read_bytes()[:2000])
    assert refused("show", path) == f"{path} is not a readable checkpoint (damaged or truncated); create it again"


class Evil:
    def __reduce__(self):
        return print, ("this must never be printed",)


@pytest.mark.parametrize("plain", [True, False])
def test_pickled_objects_are_refused(tmp_path: Path, capsys, plain: bool) -> None:
    path = tmp_path / "evil.discriminator.pt"
    path.write_bytes(pickle.dumps(Evil())) if plain else torch.save({"weights": Evil()}, path)
    with pytest.raises(ClcapError, match="contains pickled Python objects, which clcap never loads"):
        open_discriminator(path)
    assert capsys.readouterr().out == ""


def test_a_newer_version_is_refused(written: tuple[Path, Discriminator], refused) -> None:
    path, _ = written
    content = torch.load(path, weights_only=True)
    content["provenance"] |= {"version": 99, "clcap": "9.0"}
    torch.save(content, path)
    message = refused("show", path)
    assert message.startswith(f"{path} has format clcap/discriminator version 99, written by clcap 9.0; ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"config": {"vocabulary_size": None}},
            "is not a complete clcap/discriminator file: at config.vocabulary_size: Input should be a valid integer",
        ),
        (
            {"tokenizer": {"kind": "words", "words": [1]}},
            "is damaged: its tokenizer record is incomplete; create it again",
        ),
        (
            {"tokenizer": {"kind": "words", "words": []}},
            "is damaged: its vocabulary size is 41, expected 2; create it again",
        ),
        (
            {"weights": {}},
            "is damaged: its weight 'image.weight' is missing, expected float32 (9, 1280); create it again",
        ),
        ({"weights": None}, "is damaged: it has no weights; create it again"),
    ],
)
def test_damaged_content_gives_one_line_of_error(
    written: tuple[Path, Discriminator], change: dict, message: str
) -> None:
    path, _ = written
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(ClcapError) as refusal:
        open_discriminator(path)
    assert str(refusal.value) == f"{path} {message}"
