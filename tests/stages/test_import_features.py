"""Region features of other programs, in each of the three supported formats."""

import base64
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.datasets import limits
from clcap_cli.stages.import_features import import_features
from clcap_cli.stages.train_mle import train_mle
from tests.chains.test_subwords import MODELS, SMALL

CHANNELS = 12


@pytest.fixture
def regions(shared_chain: Path) -> dict[int, np.ndarray]:
    """10 to 100 regions for every image."""
    draw = np.random.default_rng(0)
    ids = open_captions(shared_chain / "captions.h5").image_ids
    return {id: draw.normal(size=(draw.integers(10, 101), CHANNELS)).astype(np.float32) for id in ids}


def folder(path: Path, regions: dict, kind: str = "npz") -> Path:
    path.mkdir()
    for key, array in regions.items():
        if kind == "npy":
            np.save(path / f"{key}.npy", array)
        else:
            np.savez_compressed(path / f"{key}.npz", feat=array, bbox=np.zeros((len(array), 4)))
    return path


def hdf5(path: Path, regions: dict) -> Path:
    with h5py.File(path, "w") as file:
        for key, array in regions.items():
            file[str(key)] = array
    return path


def line(key: object, array: np.ndarray) -> str:
    boxes = base64.b64encode(np.zeros((len(array), 4), np.float32).tobytes()).decode()
    features = base64.b64encode(array.tobytes()).decode()
    return "\t".join([str(key), "640", "480", str(len(array)), boxes, features]) + "\n"


def tsv(path: Path, regions: dict) -> Path:
    path.write_text("".join(line(key, array) for key, array in regions.items()))
    return path


FORMS: dict[str, Callable[[Path, dict], Path]] = {
    "npz": lambda path, regions: folder(path / "regions", regions),
    "npy": lambda path, regions: folder(path / "regions", regions, "npy"),
    "hdf5": lambda path, regions: hdf5(path / "regions.hdf5", regions),
    "tsv": lambda path, regions: tsv(path / "regions.tsv", regions),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_features(chain: Path, clcap, regions: dict, form: str) -> None:
    source, out = FORMS[form](chain, regions), chain / "regions.h5"
    result = clcap("import-features", chain / "captions.h5", source, "--out", out)
    assert result.out == f"{out}\n"
    counts = [len(array) for array in regions.values()]
    assert result.err.splitlines() == [
        f"42 images, {min(counts)} to {max(counts)} regions of 12 channels",
        f"next: clcap train-mle {chain}/captions.h5 {chain}/regions.h5 --out {chain}/mle.pt",
    ]
    features = open_features(out)
    rows = features.rows_of(list(regions))
    grid, mask = features.grid_at(rows)
    assert mask.sum(1).tolist() == counts
    for row, array in enumerate(regions.values()):
        assert np.array_equal(grid[row, : len(array)], array.astype(np.float16))
        assert not grid[row, len(array) :].any()
        assert np.allclose(features.pooled_at(rows)[row], array.mean(0), atol=2e-3)


def test_images_may_be_identified_by_file_names(chain: Path, clcap, regions: dict) -> None:
    listed = open_captions(chain / "captions.h5")
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    source = folder(chain / "regions", {Path(names[id]).stem: array for id, array in regions.items()})
    assert clcap("import-features", chain / "captions.h5", source, "--out", chain / "regions.h5").status == 0
    assert open_features(chain / "regions.h5").ids == listed.image_ids


@pytest.mark.parametrize("model", ["adaptive-attention", "transformer"])
def test_models_train_on_any_number_of_regions(chain: Path, clcap, regions: dict, model: str) -> None:
    features = import_features(chain / "captions.h5", tsv(chain / "r.tsv", regions), out=chain / "r.h5")
    train_mle(chain / "captions.h5", features, model=model, out=chain / "r.pt", **SMALL, **MODELS[model])
    assert clcap("train-cl", "--ref", chain / "r.pt", "--k", 1, "--epochs", 1).status == 0
    assert clcap("caption", chain / "r_cl.pt").status == 0
    assert clcap("self-retrieve", chain / "r_cl.pt", "--full-matrix", chain / "all.h5").status == 0
    images = json.loads((chain / "r_cl.retrieval.json").read_text())["images"]
    with h5py.File(chain / "all.h5") as file:
        table = file["log_prob"][:]
    assert table.diagonal().tolist() == pytest.approx([image["log_prob"] for image in images], abs=1e-4)
    assert "imported from r.tsv, at most" in clcap("show", chain / "r.h5").out


def test_image_files_need_a_backbone_of_clcap(chain: Path, clcap, error_of, regions: dict) -> None:
    source = tsv(chain / "r.tsv", regions)
    assert clcap("import-features", chain / "captions.h5", source, "--out", chain / "r.h5").status == 0
    train = ["train-mle", chain / "captions.h5", chain / "r.h5", "--hidden", 8, "--embedding", 8, "--epochs", 1]
    assert clcap(*train, "--out", chain / "r.pt").status == 0
    message = error_of("caption", chain / "r.pt", "--images", chain / "scenes" / "images")
    assert message.startswith(f"{chain}/r.pt needs features ")
    assert message.endswith("clcap cannot compute these")
    assert "does not come from the backbone" in error_of("caption", chain / "r.pt", "--features", chain / "features.h5")


def test_missing_images_are_reported_or_left_out(chain: Path, clcap, error_of, regions: dict) -> None:
    del regions[3], regions[40]
    source = folder(chain / "regions", {**regions, 999: regions[5]})
    arguments = ["import-features", chain / "captions.h5", source, "--out", chain / "r.h5"]
    assert error_of(*arguments) == (
        f"{source} has no regions of 2 of 42 images: 3, 40; they are called by the image's id or file name; --skip-bad "
        "leaves these images out"
    )
    result = clcap(*arguments, "--skip-bad")
    assert result.status == 0
    assert "2 images left out; the stages that follow do without them: 3, 40" in result.err
    assert f"1 images of {source} are not in {chain}/captions.h5" in result.err
    assert open_features(chain / "r.h5").skipped == [3, 40]
    train = ["train-mle", chain / "captions.h5", chain / "r.h5", "--hidden", 8, "--embedding", 8, "--epochs", 1]
    assert clcap(*train, "--out", chain / "r.pt").status == 0


def import_error(error_of, chain: Path, source: Path) -> str:
    message = error_of("import-features", chain / "captions.h5", source, "--out", chain / "r.h5")
    assert not (chain / "r.h5").exists()
    return message


BAD = {
    "is not finite": (
        np.full((2, CHANNELS), np.nan, np.float32),
        "the regions of 1 have values that are not finite numbers",
    ),
    "is beyond float16": (
        np.full((2, CHANNELS), 1e9, np.float32),
        "the regions of 1 have values beyond 65504, the maximum of float16",
    ),
    "has one dimension": (np.zeros(5, np.float32), "has an array of shape (5,); expected (regions, channels)"),
    "has three dimensions": (np.zeros((2, 3, 4)), "has an array of shape (2, 3, 4); expected (regions, channels)"),
    "has other channels": (np.zeros((2, 5)), "has regions with 5, 12 channels; all images must have the same number"),
    "has no numbers": (np.array([["a"] * CHANNELS]), "the regions of 1 are <U1 (1, 12), not numbers"),
    "has complex numbers": (np.zeros((1, CHANNELS), complex), "the regions of 1 are complex128 (1, 12), not numbers"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_an_array_that_holds_no_regions_is_refused(chain: Path, error_of, regions: dict, what: str, kind: str) -> None:
    array, message = BAD[what]
    assert import_error(error_of, chain, folder(chain / "regions", {**regions, 1: array}, kind)).endswith(message)


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_pickled_arrays_are_never_loaded(chain: Path, error_of, regions: dict, kind: str) -> None:
    class Spy:
        def __reduce__(self) -> tuple:
            return Path.touch, (chain / "ran",)

    array = np.array([[Spy()]], dtype=object)
    source = folder(chain / "regions", {**regions, 1: array}, kind)
    assert import_error(error_of, chain, source).startswith(f"{source}/1.{kind} is not a readable NumPy file: ")
    (source / f"1.{kind}").write_bytes(pickle.dumps(Spy()))
    assert import_error(error_of, chain, source).startswith(f"{source}/1.{kind} is not a readable NumPy file")
    assert not (chain / "ran").exists()


def test_damaged_numpy_files_are_refused(chain: Path, error_of, regions: dict) -> None:
    source = folder(chain / "regions", regions)
    whole = (source / "1.npz").read_bytes()
    for broken in (b"", whole[: len(whole) // 2], whole[:200] + bytes(50) + whole[250:], b"\x93NUMPY\x01\x00"):
        (source / "1.npz").write_bytes(broken)
        assert import_error(error_of, chain, source).startswith(f"{source}/1.npz is not a readable NumPy file: ")
    with zipfile.ZipFile(source / "1.npz", "w") as archive:
        archive.writestr("readme.txt", "no array")
    assert import_error(error_of, chain, source).startswith(f"{source}/1.npz ")
    (source / "1.npz").unlink()
    header = b"{'descr': open('x'), 'fortran_order': False, 'shape': (3, 4)}\n"
    (source / "1.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    expected = f"{source}/1.npy is not a readable NumPy file: its header is damaged"
    assert import_error(error_of, chain, source) == expected
    (source / "1.npy").unlink()
    (source / "1.npz").mkdir()
    assert import_error(error_of, chain, source).startswith(f"{source}/1.npz is not a readable NumPy file: ")


def test_the_array_of_an_archive_must_be_unambiguous(chain: Path, error_of, regions: dict) -> None:
    source = folder(chain / "regions", regions)
    np.savez(source / "1.npz", one=regions[1], two=regions[1])
    assert import_error(error_of, chain, source) == (
        f"{source}/1.npz contains the arrays one, two; the one with the regions must be called feat or features or x"
    )


def test_a_duplicate_image_is_refused(chain: Path, error_of, regions: dict) -> None:
    source = folder(chain / "regions", regions)
    np.save(source / "7.npy", regions[7])
    assert import_error(error_of, chain, source) == f"{source} has 7.npy and 7.npz; remove one of them"
    table = tsv(chain / "r.tsv", regions)
    table.write_text(table.read_text() + line(7, regions[7]))
    assert import_error(error_of, chain, table) == f"{table} has two lines for image 7; remove one of them"


def test_a_file_name_of_two_images_is_refused(tmp_path: Path, clcap, error_of) -> None:
    rows = [f"{at},{split}/a.jpg,a dog,{split}" for at, split in ((11, "train"), (12, "val"))]
    (tmp_path / "c.csv").write_text("\n".join(["id,image,caption,split", *rows]))
    captions = tmp_path / "captions.h5"
    assert clcap("prepare-captions", tmp_path / "c.csv", "--min-count", 1, "--out", captions).status == 0
    source = folder(tmp_path / "regions", {"a": np.zeros((2, 3))})
    assert error_of("import-features", captions, source, "--out", tmp_path / "r.h5") == (
        f"the regions called a in {source} could be of image 11 and of image 12; call them by their ids"
    )


def test_ids_cannot_leave_the_folder(tmp_path: Path, clcap, error_of) -> None:
    (tmp_path / "c.csv").write_text("id,image,caption,split\n../secret,../secret.jpg,a dog,train\n")
    captions = tmp_path / "captions.h5"
    assert clcap("prepare-captions", tmp_path / "c.csv", "--min-count", 1, "--out", captions).status == 0
    np.save(tmp_path / "secret.npy", np.zeros((2, 3)))
    source = folder(tmp_path / "regions", {"other": np.zeros((2, 3))})
    message = error_of("import-features", captions, source, "--out", tmp_path / "r.h5")
    assert message.startswith(f"{source} has no regions of 1 of 1 images: ../secret;")


@pytest.mark.parametrize("kind", ["soft", "external", "group", "text"])
def test_external_hdf5_data_are_refused(chain: Path, error_of, regions: dict, kind: str) -> None:
    source, other = hdf5(chain / "r.hdf5", regions), hdf5(chain / "other.hdf5", regions)
    with h5py.File(source, "a") as file:
        del file["1"]
        if kind == "soft":
            file["1"] = h5py.SoftLink("/2")
        elif kind == "external":
            file["1"] = h5py.ExternalLink(str(other), "/1")
        elif kind == "group":
            file.create_group("1")
        else:
            file["1"] = np.array([[b"a"] * CHANNELS])
    message = import_error(error_of, chain, source)
    if kind == "text":
        assert message == f"{source}: the regions of 1 are |S1 (1, 12), not numbers"
    else:
        assert message == (
            f"{source}: '1' is not a dataset or is stored in another file; expected a dataset (regions, channels) for "
            "each image"
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "{} has no region features: it contains no .npz or .npy file, dataset or line"),
        ("1\t640\n", "{} has a line with 2 fields; expected image_id, image_w, image_h, num_boxes, boxes, features"),
        ("1\t640\t480\t1\t\t§§\n", "{}: the features of image 1 are not base64"),
        ("1\t640\t480\tmany\t\tAAAA\n", "{}: num_boxes of image 1 is 'many', not a number of regions"),
        ("1\t640\t480\t3\t\tAAAAAA==\n", "{}: the features of image 1, 4 bytes, are not 3 rows of float32"),
        ("1\t640\t480\t3\t\t\n", "{} has an array of shape (3, 0); expected (regions, channels)"),
    ],
)
def test_a_damaged_table_is_refused(chain: Path, error_of, content: str, message: str) -> None:
    table = chain / "r.tsv"
    table.write_text(content)
    assert import_error(error_of, chain, table).startswith(message.format(table))


def test_files_of_an_unknown_format_are_refused(chain: Path, error_of) -> None:
    assert import_error(error_of, chain, chain / "none") == f"no such file: {chain}/none"
    (chain / "empty").mkdir()
    assert import_error(error_of, chain, chain / "empty") == (
        f"{chain}/empty has no region features: it contains no .npz or .npy file, dataset or line"
    )
    np.save(chain / "empty" / "1.npy", np.zeros((0, 4), np.float32))
    assert import_error(error_of, chain, chain / "empty") == (
        f"{chain}/empty has no region features: each of its arrays has 0 regions, such as 1"
    )
    (chain / "r.txt").write_text("1")
    assert import_error(error_of, chain, chain / "r.txt").startswith(
        f"{chain}/r.txt is a text file that starts with '1'; a folder of .npz or .npy files, an HDF5 file "
    )
    (chain / "r.hdf5").write_bytes(hdf5(chain / "whole.hdf5", {1: np.zeros((2, 3))}).read_bytes()[:900])
    assert import_error(error_of, chain, chain / "r.hdf5").startswith(f"{chain}/r.hdf5 is not a readable HDF5 file: ")


def test_images_without_regions_are_left_out_on_demand(chain: Path, clcap, error_of, regions: dict) -> None:
    empty = {**regions, 3: np.zeros((0, CHANNELS), np.float32)}
    for form in FORMS:
        (chain / form).mkdir()
        source = FORMS[form](chain / form, empty)
        arguments = ["import-features", chain / "captions.h5", source, "--out", chain / "r.h5"]
        assert f"{source} has no regions of 1 of 42 images: 3;" in error_of(*arguments)
        assert "1 entries of" in clcap(*arguments, "--skip-bad").err
        assert open_features(chain / "r.h5").skipped == [3]


def test_ambiguous_regions_are_refused(chain: Path, clcap, error_of, tmp_path: Path) -> None:
    table = tmp_path / "data.csv"
    rows = [f"{id},{id % 3 + 1}.jpg,a red ring,{split}" for id, split in ((1, "train"), (2, "val"), (3, "test"))]
    table.write_text("\n".join(["id,image,caption,split", *rows]) + "\n")
    assert clcap("prepare-captions", table, "--min-count", 1, "--out", tmp_path / "c.h5").status == 0
    arrays = {key: np.full((2, CHANNELS), key, np.float32) for key in (1, 2, 3)}
    arguments = ["import-features", tmp_path / "c.h5", folder(tmp_path / "numbers", arrays), "--out", tmp_path / "r.h5"]
    assert error_of(*arguments).endswith(
        "has '1' and '2', and image 1, 2.jpg, could be either; call the regions by the images' whole file names, as in "
        "2.jpg.npy"
    )
    arguments[2] = folder(tmp_path / "names", {f"{key % 3 + 1}.jpg": array for key, array in arrays.items()}, "npy")
    assert clcap(*arguments).status == 0
    features = open_features(tmp_path / "r.h5")
    assert features.pooled_at(features.rows_of([1, 2, 3]))[:, 0].tolist() == [1, 2, 3]


def test_file_names_of_regions_may_be_spelled_differently(chain: Path, clcap, regions: dict) -> None:
    listed = open_captions(chain / "captions.h5")
    names = dict(zip(listed.image_ids, listed.file_names, strict=True))
    source = hdf5(chain / "r.hdf5", {})
    with h5py.File(source, "a") as file:
        for id, array in regions.items():
            file.create_dataset(f"photos\\{names[id].upper()}", data=array)
    assert clcap("import-features", chain / "captions.h5", source, "--out", chain / "regions.h5").status == 0
    assert open_features(chain / "regions.h5").ids == list(names)


def hostile_npz(path: Path, header: bytes, zeros: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("feat.npy", "w") as member:
        magic = b"\x93NUMPY\x01\x00"
        member.write(magic + len(header).to_bytes(2, "little") + header + bytes(zeros))


def test_an_array_far_beyond_the_file_size_is_refused(chain: Path, tmp_path: Path, error_of, monkeypatch) -> None:
    monkeypatch.setattr(limits, "ALLOWANCE", 2**20)
    declared = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 2048), }\n"
    small = declared.replace(b"1000000000", b"1000")
    for name, header, zeros in (("bomb", small, 4 * 2**20), ("header", declared, 0)):
        (tmp_path / name).mkdir()
        hostile_npz(tmp_path / name / "x.npz", header, zeros)
        message = error_of("import-features", chain / "captions.h5", tmp_path / name, "--out", tmp_path / "a.h5")
        size = (tmp_path / name / "x.npz").stat().st_size
        assert message.startswith(
            f"{tmp_path / name / 'x.npz'} has more than 1 MiB of content, the limit for a compressed"
        )
        assert f"{size:,} bytes" in message


def test_an_array_that_the_file_cannot_hold_is_refused(chain: Path, tmp_path: Path, error_of) -> None:
    (tmp_path / "npy").mkdir()
    with (tmp_path / "npy" / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 2048)})
    message = error_of("import-features", chain / "captions.h5", tmp_path / "npy", "--out", tmp_path / "a.h5")
    assert message == f"{tmp_path}/npy/x.npy is not a readable NumPy file: mmap length is greater than file size"


def test_an_hdf5_dataset_without_content_is_refused(chain: Path, tmp_path: Path, error_of) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("1", (10**6, 2048), "f4", chunks=(1, 2048))
    message = error_of("import-features", chain / "captions.h5", tmp_path / "a.h5", "--out", tmp_path / "b.h5")
    assert message.startswith(f"{tmp_path}/a.h5 has more than 32 MiB of content, the limit for a compressed file of")
    assert message.endswith("if that is right, convert it to HDF5 without compression")


BOXES = np.array([[0, 0, 320, 480], [64, 48, 640, 240]], np.float32)


def npz_with_boxes(path: Path, boxes: dict[int, np.ndarray]) -> Path:
    path.mkdir()
    for id, own in boxes.items():
        np.savez(path / f"{id}.npz", feat=np.ones((len(own), CHANNELS), "f4"), bbox=own, image_w=640, image_h=480)
    return path


def tsv_with_boxes(path: Path, boxes: dict[int, np.ndarray]) -> Path:
    features = base64.b64encode(np.ones((2, CHANNELS), np.float32).tobytes()).decode()
    lines = [
        [str(id), "640", "480", "2", base64.b64encode(own.tobytes()).decode(), features] for id, own in boxes.items()
    ]
    path.write_text("".join("\t".join(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("form", ["npz", "tsv"])
def test_boxes_are_kept_as_shares_of_the_image(chain: Path, clcap, form: str) -> None:
    ids = open_captions(chain / "captions.h5").image_ids
    write = {"npz": npz_with_boxes, "tsv": tsv_with_boxes}[form]
    opened = {}
    for name, last in (("all", BOXES), ("some", BOXES * 0)):
        (chain / name).mkdir()
        source = write(chain / name / f"regions.{form}", {**dict.fromkeys(ids, BOXES), ids[-1]: last})
        result = clcap("import-features", chain / "captions.h5", source, "--out", chain / f"{name}.h5")
        assert result.status == 0, result.err
        assert (", with boxes\n" in result.err) == (name == "all")
        opened[name] = open_features(chain / f"{name}.h5")
    found = opened["all"].boxes_at([0, 3])
    assert found is not None and np.allclose(found, [[[0, 0, 0.5, 1], [0.1, 0.1, 1, 0.5]]] * 2)
    assert opened["some"].boxes_at([0, 3]) is None, "boxes without an area are unknown"
    ids_of_files = {one.provenance.id for one in opened.values()}
    assert len(ids_of_files) == 1, "checkpoints that were made before there were boxes stay valid"


@pytest.mark.parametrize("size", [("x", "480"), ("0", "480"), ("nan", "480"), ("inf", "480")])
def test_boxes_in_images_of_unknown_size_are_left_out(chain: Path, clcap, size: tuple[str, str]) -> None:
    boxes = dict.fromkeys(open_captions(chain / "captions.h5").image_ids, BOXES)
    source = tsv_with_boxes(chain / "regions.tsv", boxes)
    source.write_text(source.read_text().replace("\t640\t480\t", "\t" + "\t".join(size) + "\t"))
    result = clcap("import-features", chain / "captions.h5", source, "--out", chain / "r.h5")
    assert result.status == 0, result.err
    assert open_features(chain / "r.h5").boxes is None
