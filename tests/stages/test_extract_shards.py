"""Features in shards: jobs that know nothing of each other, and the index that reads as one file."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from clcap_cli.artifacts.captions import open_captions
from clcap_cli.artifacts.features import open_features
from clcap_cli.artifacts.hdf5 import write_ids, write_texts
from clcap_cli.errors import ClcapError


@pytest.fixture
def sharded(chain: Path, clcap, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two shards, of which the second was extracted first."""
    monkeypatch.setattr("clcap_cli.artifacts.shard.BATCH_SIZE", 8)
    command = ("extract-features", chain / "captions.h5", "--images", chain / "scenes/images", "--image-size", 32)
    command = (*command, "--out", chain / "many.h5")
    first = clcap(*command, "--shard", "2/2")
    assert first.out == f"{chain / 'many-00002-of-00002.h5'}\n"
    assert f"{chain / 'many.h5'} will be written with the last shard; missing: many-00001-of-00002.h5" in first.err
    assert "next:" not in first.err
    last = clcap(*command, "--shard", "1/2")
    assert last.out == f"{chain / 'many.h5'}\n"
    assert "next: clcap train-mle" in last.err
    assert clcap(*command[:-1], chain / "whole.h5").status == 0
    return chain / "many.h5"


def test_the_index_reads_as_one_file(sharded: Path) -> None:
    index, whole = open_features(sharded), open_features(sharded.with_name("whole.h5"))
    assert ([*index.ids], [*index.names], index.skipped) == (whole.ids, whole.names, whole.skipped)
    rows = np.random.default_rng(0).permutation(len(whole.ids))
    np.testing.assert_allclose(index.pooled_at(rows), whole.pooled_at(rows), atol=1e-2)
    np.testing.assert_allclose(index.grid_at(rows)[0], whole.grid_at(rows)[0], atol=1e-2)


def test_some_images_of_an_index_are_used_without_reading_the_others(sharded: Path) -> None:
    listed, content = open_captions(sharded.with_name("captions.h5")), bytearray(sharded.read_bytes())
    other = listed.file_names[-1].encode()
    assert content.count(other) == 1
    content[content.index(other)] = 0xFF  # the name of the last image is no text any more
    sharded.write_bytes(content)
    index = open_features(sharded)
    assert [*index.names_to_match(listed.image_ids[:3]).values()] == listed.file_names[:3]
    with pytest.raises(ClcapError, match="a text in it is not valid UTF-8"):
        index.names_to_match(listed.image_ids)


def test_an_index_of_an_earlier_version_is_read(sharded: Path) -> None:
    index = open_features(sharded)
    ids, names, rows = [*index.ids], [*index.names], index.rows_of([*index.ids])
    with h5py.File(sharded, "a") as file:
        del file["images"]
        write_ids(file, "ids", ids)
        write_texts(file, "names", names)
    earlier = open_features(sharded)
    assert (earlier.ids, earlier.names) == (ids, names)
    assert np.array_equal(earlier.rows_of(ids), rows)


def test_training_knows_the_shard_of_each_image(sharded: Path) -> None:
    index, whole = open_features(sharded), open_features(sharded.with_name("whole.h5"))
    rows = np.arange(len(index.ids))
    shards = [open_features(sharded.with_name(f"many-0000{number}-of-00002.h5")) for number in (1, 2)]
    assert index.shards_of(rows).tolist() == [number for number, shard in enumerate(shards) for _ in shard.ids]
    assert whole.shards_of(rows) is None


def test_a_missing_or_damaged_shard_is_named(sharded: Path, clcap, error_of) -> None:
    shard = sharded.with_name("many-00001-of-00002.h5")
    command = ("train-mle", sharded.with_name("captions.h5"), sharded, "--out", sharded.with_name("x.pt"))
    wrong = f"{sharded} needs its shard {shard}, but "
    advice = "; put the original file there, or extract it again with --shard 1/2"
    content = shard.read_bytes()
    os.truncate(shard, 3000)
    message = error_of(*command)
    assert message.startswith(f"{wrong}it has 3,000 bytes, expected at least ") and message.endswith(advice)
    quarter = len(content) // 4
    shard.write_bytes(content[:quarter] + bytes(2 * quarter) + content[3 * quarter :])
    message = error_of(*command)
    assert message.startswith(f"{wrong}the features of image ") and message.endswith(f"are not those written{advice}")
    shard.unlink()
    assert error_of(*command) == f"{wrong}it is missing{advice}"
    assert f"2 files beside it; missing: {shard.name}" in clcap("show", sharded).out


def test_one_file_in_the_place_of_an_index_names_the_shards_left(sharded: Path, clcap) -> None:
    command = ("extract-features", sharded.with_name("captions.h5"), "--images", sharded.with_name("scenes") / "images")
    done = clcap(*command, "--image-size", 32, "--out", sharded)
    assert "no longer needed: many-00001-of-00002.h5, many-00002-of-00002.h5" in done.err


def test_with_shards_of_other_inputs_no_index_is_written(sharded: Path, clcap) -> None:
    index = sharded.read_bytes()
    command = ("extract-features", sharded.with_name("captions.h5"), "--images", sharded.with_name("scenes") / "images")
    other = clcap(*command, "--image-size", 48, "--shard", "2/2", "--out", sharded)
    assert other.status == 0
    reason = "because shards differ from many-00002-of-00002.h5: many-00001-of-00002.h5 (other"
    assert f"{sharded} is not written, {reason}" in other.err
    assert "image_size" in other.err
    assert sharded.read_bytes() == index
    assert clcap(*command, "--image-size", 48, "--shard", "1/2", "--out", sharded).status == 0
    assert open_features(sharded).backbone.image_size == 48


def test_an_index_names_only_files_beside_it(sharded: Path) -> None:
    name = b"many-00001-of-00002.h5"
    content = sharded.read_bytes()
    assert content.count(name) == 1
    sharded.write_bytes(content.replace(name, b"../" + name[3:]))
    with pytest.raises(ClcapError, match="is not a file beside it"):
        open_features(sharded)


def test_more_shards_than_batches(chain: Path, error_of) -> None:
    command = ("extract-features", chain / "captions.h5", "--images", chain / "scenes/images", "--shard", "3/99")
    assert "too few for 99 parts; use at most 2 parts or processes" in error_of(*command)
