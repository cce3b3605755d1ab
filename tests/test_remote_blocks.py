"""Files of object stores are read in blocks, each of which is requested once where the order allows it."""

import io
import os
from collections import Counter

import fsspec
import numpy as np
import pytest

from clcap_cli import remote_blocks
from clcap_cli.features import image_files
from clcap_cli.features.image_files import TarMember, open_file, parts_of
from clcap_cli.features.images import has_several_frames, open_rgb
from clcap_cli.remote_blocks import BlockReader, Blocks
from clcap_cli.remote_path import RemotePath, UnavailableError
from clcap_cli.training.data import shuffled_batches

BLOCK, MEMBER = 1000, 130
CONTENT = np.random.default_rng(0).bytes(200_500)


class CountedFile:
    """A file in memory that counts the requests for each of its blocks."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()

    def read_range(self, first: int, end: int) -> bytes:
        self.requests[first // BLOCK] += 1
        return CONTENT[first:end]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_blocks, "BLOCK_SIZE", BLOCK)
    monkeypatch.setattr(remote_blocks, "BLOCKS", Blocks())
    monkeypatch.setattr(image_files, "PART_SIZE", 4 * BLOCK)


@pytest.fixture
def address() -> RemotePath:
    """The address of a file in fsspec's memory."""
    fsspec.filesystem("memory").pipe("/bucket/x.tar", CONTENT)
    return RemotePath("memory://bucket/x.tar")


def test_a_file_is_read_as_from_disk(address: RemotePath) -> None:
    with address.open("rb") as file:
        assert file.read() == CONTENT
        assert (file.seek(-7, os.SEEK_END), file.read()) == (len(CONTENT) - 7, CONTENT[-7:])
        assert (file.seek(2995), file.read(10), file.read(3)) == (2995, CONTENT[2995:3005], CONTENT[3005:3008])
        assert (file.seek(len(CONTENT) + 5), file.read(3)) == (len(CONTENT) + 5, b"")


def test_reading_in_order_requests_each_block_once() -> None:
    file = CountedFile()
    with io.BufferedReader(BlockReader(file, len(CONTENT)), 300) as stream:
        assert stream.read() == CONTENT
    assert file.requests == Counter(range(201))


def test_training_requests_few_blocks_twice() -> None:
    """Only the last image of a part can reach into the next one, whose block is then read for it alone."""
    file, offsets = CountedFile(), np.arange(0, len(CONTENT) - MEMBER, MEMBER)
    parts = offsets // (4 * BLOCK)
    stream = io.BufferedReader(BlockReader(file, len(CONTENT)), MEMBER)
    for position in np.concatenate(shuffled_batches(len(offsets), 64, np.random.default_rng(0), parts)):
        stream.seek(int(offsets[position]))
        assert stream.read(MEMBER) == CONTENT[offsets[position] :][:MEMBER]
    assert set(file.requests) == set(range(201))
    assert file.requests.total() < 1.3 * 201


def test_images_are_in_the_parts_of_their_archives(address: RemotePath) -> None:
    other = RemotePath("memory://bucket/y.tar")
    places = [(address, 0), (address, 3999), (address, 4000), (other, 10), (address, 20)]
    assert parts_of([TarMember(archive, "x", offset, 5) for archive, offset in places]).tolist() == [0, 0, 1, 2, 0]
    assert parts_of([image_files.Path("a.png"), TarMember(image_files.Path("x.tar"), "x", 0, 5)]) is None


def test_a_member_is_a_part_of_its_archive(address: RemotePath) -> None:
    with open_file(TarMember(address, "a.png", 990, 40)) as file:
        assert (file.seek(0, os.SEEK_END), file.seek(0), file.read()) == (40, 0, CONTENT[990:1030])


def test_an_image_that_a_store_does_not_deliver_does_not_count_as_damaged(address: RemotePath) -> None:
    member = TarMember(address, "a.png", 0, 100)
    assert address.is_file()
    fsspec.filesystem("memory").rm("/bucket/x.tar")
    for read in (open_rgb, has_several_frames):
        with pytest.raises(UnavailableError):
            read(member)


def test_a_file_that_changes_while_it_is_read_is_an_error(address: RemotePath) -> None:
    with address.open("rb") as file:
        fsspec.filesystem("memory").pipe("/bucket/x.tar", CONTENT[:-700])
        with pytest.raises(UnavailableError, match=r"x\.tar has another size than before; start again$"):
            file.read()


def test_other_content_has_another_fingerprint(address: RemotePath) -> None:
    before = address.fingerprint
    fsspec.filesystem("memory").pipe("/bucket/x.tar", CONTENT[::-1])
    assert RemotePath("memory://bucket/x.tar").fingerprint != before


def test_a_request_that_fails_names_the_address(address: RemotePath) -> None:
    with address.open("rb") as file:
        fsspec.filesystem("memory").rm("/bucket/x.tar")
        with pytest.raises(UnavailableError, match=r"^memory://bucket/x\.tar cannot be read: "):
            file.read()
