"""Tar shards on disk and in an object store give the same files as the folder that they were made from."""

import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.datasets.scenes import describe, random_scenes, render
from tests.conftest import CommandResult
from tests.object_store import ObjectStore, forget_connections, object_store, shards_of

IMAGES, SHARDS = 30, 3
PREPARE = ("--split-ratio", "0.6,0.2,0.2", "--min-count", 1)
NETWORK = ("--backbone", "test_resnet", "--weights", "random", "--image-size", 32, "--device", "cpu", "--threads", 1)
BRACES, WILDCARD = "x-{00000..00002}.tar", "x-*.tar"
Clcap = Callable[..., CommandResult]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of scenes and a text beside each."""
    folder, rng = tmp_path_factory.mktemp("samples") / "images", np.random.default_rng(0)
    folder.mkdir()
    for number, scene in enumerate(random_scenes(IMAGES, 8, 3, rng)):
        render(scene, rng).save(folder / f"{number:06}.png")
        (folder / f"{number:06}.txt").write_text("\n".join(describe(scene, rng)))
    return folder


@pytest.fixture(scope="session")
def shards(samples: Path) -> Path:
    """A folder with the samples in three archives."""
    folder = samples.parent / "shards"
    folder.mkdir()
    for name, content in shards_of({one.name: one.read_bytes() for one in samples.iterdir()}, SHARDS).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def server(shards: Path) -> Iterator[ObjectStore]:
    """A server with the bucket scenes, in whose folder shards/ the archives are; moto starts only once in a process."""
    with object_store() as store:
        store.put("scenes", {f"shards/{one.name}": one.read_bytes() for one in shards.iterdir()})
        yield store


@pytest.fixture
def store(server: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The server, with its address and credentials in the environment."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    forget_connections()
    return server


@pytest.fixture(scope="session")
def expected(samples: Path) -> tuple[Path, Path]:
    """captions.h5 and features.h5 of the folder."""
    from clcap_cli import extract_features, prepare_captions

    captions = prepare_captions(samples, out=samples.parent / "captions.h5", split_ratio="0.6,0.2,0.2", min_count=1)
    small = {"backbone": "test_resnet", "weights": "random", "image_size": 32, "device": "cpu", "threads": 1}
    return captions, extract_features(captions, [samples], out=samples.parent / "features.h5", **small)


def rows_of(features: Path) -> bytes:
    opened = open_features(features)
    rows = opened.rows_of(sorted(opened.ids))
    return opened.pooled_at(rows).tobytes() + opened.grid_at(rows)[0].tobytes()


def check_same(clcap: Clcap, source: object, expected: tuple[Path, Path], folder: Path) -> None:
    captions, features = folder / "captions.h5", folder / "features.h5"
    result = clcap("prepare-captions", source, *PREPARE, "--out", captions)
    assert result.status == 0, result.err
    assert read_provenance(captions).id == read_provenance(expected[0]).id
    result = clcap("extract-features", captions, "--images", source, *NETWORK, "--out", features)
    assert result.status == 0, result.err
    assert rows_of(features) == rows_of(expected[1])


@pytest.mark.parametrize("name", [".", WILDCARD])
def test_shards_on_disk_give_the_files_of_the_folder(clcap: Clcap, shards: Path, expected, tmp_path, name: str) -> None:
    check_same(clcap, shards / name, expected, tmp_path)


@pytest.mark.parametrize("name", ["", BRACES])
def test_shards_in_an_object_store_give_the_files_of_the_folder(clcap: Clcap, store, expected, tmp_path, name) -> None:
    check_same(clcap, f"s3://scenes/shards/{name}", expected, tmp_path)


def test_images_of_an_object_store_are_trained_on_and_captioned(
    clcap, error_of, store, expected, tmp_path: Path
) -> None:
    images, out = f"s3://scenes/shards/{BRACES}", tmp_path / "nt.pt"
    small = ("--embedding", 8, "--hidden", 8, "--epochs", 1, "--device", "cpu", "--out", out)
    encoder = ("--train-encoder", *NETWORK[:4], "--image-size", 32)
    result = clcap("train-mle", expected[0], "--images", images, *encoder, *small)
    assert result.status == 0, result.err
    result = clcap("caption", out, "--images", f"s3://scenes/shards/{WILDCARD}", "--out", tmp_path / "captions.json")
    assert result.status == 0, result.err
    ids = {one["image_id"] for one in json.loads((tmp_path / "captions.json").read_text())}
    assert len(ids) == IMAGES and "s3://scenes/shards/x-00002.tar/000029.png" in ids
    assert error_of("train-cl", "--ref", out, "--train-encoder", "--out", tmp_path / "cl.pt") == (
        "the folder of the pictures is not recorded or has moved; give it with --images"
    )


def test_the_record_names_the_address_and_no_credentials(clcap: Clcap, store: ObjectStore, tmp_path: Path) -> None:
    address = f"s3://scenes/shards/{BRACES}"
    result = clcap("prepare-captions", address, *PREPARE, "--out", tmp_path / "c.h5", "--verbose")
    assert result.status == 0, result.err
    assert f"next: clcap extract-features {tmp_path / 'c.h5'} --images '{address}'" in result.err
    assert f"dataset: {address}  (not followed)" in clcap("show", tmp_path / "c.h5").out
    record = read_provenance(tmp_path / "c.h5")
    assert (record.settings["dataset"], record.inputs[0].path) == (address, address)
    for secret in (store.environment["AWS_ACCESS_KEY_ID"], store.environment["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in result.err + record.model_dump_json()


@pytest.mark.parametrize("place", ["within a member", "between members"])
def test_a_cut_shard_is_named(error_of, store: ObjectStore, shards: Path, expected, tmp_path: Path, place: str) -> None:
    files, bucket = {one.name: one.read_bytes() for one in shards.iterdir()}, place.replace(" ", "-")
    with tarfile.open(shards / "x-00001.tar") as archive:
        end = archive.getmembers()[5].offset - (700 if place == "within a member" else 0)
    store.put(bucket, {**files, "x-00001.tar": files["x-00001.tar"][:end]})
    source = f"s3://{bucket}/{BRACES}"
    for command in (("prepare-captions", source), ("extract-features", expected[0], "--images", source, *NETWORK)):
        message = error_of(*command, "--out", tmp_path / "out.h5")
        assert message.startswith(f"s3://{bucket}/x-00001.tar is not a readable tar archive: ")
        assert message.endswith("; is the file complete?")
    assert not list(tmp_path.iterdir())


def test_a_damaged_image_is_named_or_left_out(clcap, error_of, store, samples: Path, expected, tmp_path: Path) -> None:
    files = {one.name: one.read_bytes() for one in samples.iterdir()}
    store.put("damaged", shards_of({**files, "000012.png": files["000012.png"][:100]}, SHARDS))
    command = ("extract-features", expected[0], "--images", f"s3://damaged/{BRACES}", *NETWORK)
    assert error_of(*command, "--out", tmp_path / "f.h5").startswith("s3://damaged/x-00001.tar/000012.png is not a")
    result = clcap(*command, "--out", tmp_path / "f.h5", "--skip-bad")
    assert "1 of 30 images left out" in result.err and "x-00001.tar/000012.png" in result.err
    assert len(open_features(tmp_path / "f.h5").ids) == IMAGES - 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (f"s3://no-such-bucket/{BRACES}", "/x-00000.tar cannot be read: The specified bucket does not exist"),
        (f"s3://no-such-bucket/{WILDCARD}", "/x-*.tar cannot be read: The specified bucket does not exist"),
        ("s3://scenes/y-*.tar", "s3://scenes/y-*.tar is missing; a folder or a tar archive is expected here"),
        ("s3://scenes/shards/y.tar", "s3://scenes/shards/y.tar cannot be read: The specified key does not exist"),
        ("s3://scenes/shards/x-{00000..00003}.tar", "s3://scenes/shards/x-00003.tar cannot be read: The specified key"),
    ],
)
def test_a_missing_bucket_or_shard_is_named(error_of, store, expected, tmp_path: Path, source, message: str) -> None:
    assert message in error_of("extract-features", expected[0], "--images", source, "--out", tmp_path / "f.h5")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AWS_ACCESS_KEY_ID", "wrong", "The AWS Access Key Id you provided does not exist in our records"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "The request signature we calculated does not match the signature you"),
    ],
)
def test_wrong_credentials_are_named(
    error_of, store, monkeypatch, expected, tmp_path: Path, name, value, reason
) -> None:
    monkeypatch.setenv(name, value)
    forget_connections()
    source = "s3://scenes/shards/x-00000.tar"
    message = error_of("prepare-captions", source, "--out", tmp_path / "c.h5")
    assert message.startswith(f"{source} cannot be read: {reason}")
    assert message.endswith(
        "check the credentials in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_an_output_is_no_address(usage_error_of, expected) -> None:
    message = usage_error_of("extract-features", expected[0], "--images", "x", "--out", "s3://scenes/f.h5")
    assert "s3://scenes/f.h5 is an address; only images and datasets can be at one" in message


def test_an_address_with_a_password_is_refused(usage_error_of, expected) -> None:
    message = usage_error_of("extract-features", expected[0], "--images", "ftp://me:secret@host/x.tar")
    assert "holds a password" in message and "secret" not in message
