import pickle
import re
from pathlib import Path

import pytest
import torch

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.discriminators import open_discriminator, write_discriminator
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.errors import ClcapError
from clcap_cli.file_kinds.clcap_files import description_of
from clcap_cli.models.discriminator import Discriminator, DiscriminatorConfig

CPU = torch.device("cpu")


@pytest.fixture
def discriminator_file(shared_chain: Path, tmp_path: Path) -> tuple[Path, Discriminator]:
    captions, features = open_captions(shared_chain / "captions.h5"), open_features(shared_chain / "features.h5")
    discriminator = Discriminator(DiscriminatorConfig(len(captions.tokenizer), features.backbone.pooled_channels, 6, 9))
    origin = Origin("train-cl", {"seed": 7})
    origin.add_input("captions", captions)
    path = tmp_path / "nt_gan.discriminator.pt"
    write_discriminator(path, discriminator, captions.tokenizer, features.backbone, {"epochs": 2}, origin)
    return path, discriminator


def test_a_discriminator_survives_a_round_trip(
    discriminator_file: tuple[Path, Discriminator], shared_chain: Path
) -> None:
    path, discriminator = discriminator_file
    opened = open_discriminator(path)
    assert opened.config == discriminator.config
    assert opened.training == {"epochs": 2}
    assert opened.tokenizer == open_captions(shared_chain / "captions.h5").tokenizer
    assert opened.backbone == open_features(shared_chain / "features.h5").backbone
    again = opened.discriminator(CPU)
    assert not again.training
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in discriminator.state_dict().items())


def test_show_describes_a_discriminator_and_its_inputs(discriminator_file: tuple[Path, Discriminator], clcap) -> None:
    path, _ = discriminator_file
    assert read_provenance(path).format == "clcap/discriminator"
    result = clcap("show", path)
    assert result.status == 0
    assert "discriminator of captions, hidden 9, embedding 6" in result.out
    assert "captions: " in result.out


def test_captioners_and_discriminators_are_told_apart(
    discriminator_file: tuple[Path, Discriminator], shared_chain: Path, error_of
) -> None:
    path, _ = discriminator_file
    checkpoint, discriminator = map(description_of, ("clcap/checkpoint", "clcap/discriminator"))
    assert error_of("caption", path) == f"{path} is {discriminator}; {checkpoint} is expected here"
    with pytest.raises(ClcapError, match=re.escape(f"nt.pt is {checkpoint}; {discriminator} is expected here")):
        open_discriminator(shared_chain / "nt.pt")


def test_a_truncated_file_is_refused(discriminator_file: tuple[Path, Discriminator], error_of) -> None:
    path, _ = discriminator_file
    path.write_bytes(path.read_bytes()[:2000])
    assert error_of("show", path) == f"{path} is not a readable checkpoint (damaged or truncated); create it again"


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


def test_a_newer_version_is_refused(discriminator_file: tuple[Path, Discriminator], error_of) -> None:
    path, _ = discriminator_file
    content = torch.load(path, weights_only=True)
    content["provenance"] |= {"version": 99, "clcap": "9.0"}
    torch.save(content, path)
    message = error_of("show", path)
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
            "is damaged: its vocabulary size is 45, expected 2; create it again",
        ),
        (
            {"weights": {}},
            "is damaged: its weight 'image.weight' is missing, expected float32 (9, 1280); create it again",
        ),
        ({"weights": None}, "is damaged: it has no weights; create it again"),
    ],
)
def test_damaged_content_gives_one_line_of_error(
    discriminator_file: tuple[Path, Discriminator], change: dict, message: str
) -> None:
    path, _ = discriminator_file
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(ClcapError) as error:
        open_discriminator(path)
    assert str(error.value) == f"{path} {message}"
