"""Small caption files that would fill the memory, or take forever, are refused with a message."""

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from clcap_cli.datasets import limits
from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError
from tests.reliability.peak_memory import peak_memory

HOSTILE = Path(__file__).resolve().parents[1] / "data" / "hostile"
LONG = "a dog " * 200_000


@pytest.fixture
def small_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALLOWANCE", 2**20)


def refusal(folder: Path, name: str, content: bytes) -> str:
    """The message about a file with this content, in which PATH stands for its path."""
    (folder / name).write_bytes(content)
    with pytest.raises(ClcapError) as caught:
        read_captions(folder / name)
    return str(caught.value).replace(str(folder / name), "PATH")


def parquet(**columns: object) -> bytes:
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), content, compression="zstd")
    return content.getvalue()


def repeated(text: str, number: int) -> pyarrow.Array:
    return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * number, pyarrow.int32()), [text])


def tar_header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A header of a tar archive that declares a size of any length."""
    info = tarfile.TarInfo(name)
    info.type = kind
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\x80" + size.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def tar_of_texts() -> bytes:
    members = [tar_header(f"{n}.txt", 2**20) + b"a" * 2**20 + tar_header(f"{n}.jpg", 0) for n in range(4)]
    return b"".join(members) + bytes(1024)


BOMBS: dict[str, Callable[[], bytes]] = {
    "a.json.gz": lambda: gzip.compress(b'[{"image_id": 1, "caption": "' + b"a" * 2**22 + b'"}]'),
    "a.csv.bz2": lambda: bz2.compress(b"image,caption\n" + b"1,a\n" * 2**19),
    "lines.csv.gz": lambda: gzip.compress(b"image,caption\n" + b"a,b\n" * 2**15),
    "a.tar.gz": lambda: gzip.compress(tar_of_texts()),
    "name.tar.gz": lambda: gzip.compress(tar_header("././@LongLink", 2**22, tarfile.GNUTYPE_LONGNAME) + b"a" * 2**22),
    "dictionary.parquet": lambda: parquet(image_id=range(64), caption=repeated(LONG[:900_000], 64)),
    "rows.parquet": lambda: parquet(image_id=[1] * 100_000, caption=["a"] * 100_000),
    "list.parquet": lambda: parquet(image_id=[1], caption=[["a"] * 1_000_000]),
    "value.parquet": lambda: parquet(image_id=[1], caption=["a dog" * 1_000_000]),
}


@pytest.mark.usefixtures("small_allowance")
@pytest.mark.parametrize("name", BOMBS)
def test_content_far_beyond_the_file_size_is_refused(name: str, tmp_path: Path) -> None:
    content = BOMBS[name]()
    mebibytes = (2**20 + limits.MAX_RATIO * len(content)) // 2**20
    assert refusal(tmp_path, name, content) == (
        f"PATH has more than {mebibytes} MiB of content, the limit for a compressed file of {len(content):,} bytes; if "
        "that is right, convert it to uncompressed JSON or CSV"
    )


def test_a_small_parquet_file_takes_half_a_gibibyte_at_most(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(image_id=range(2000), caption=repeated(LONG, 2000)))
    assert (tmp_path / "a.parquet").stat().st_size < 10_000  # 2.4 GB when read
    assert peak_memory(lambda: read_captions(tmp_path / "a.parquet")) < 2**29


FOUND = {
    "histogram": "Definition level histogram size mismatch",
    "rows": "it declares 1 rows and has 0",
}


@pytest.mark.parametrize("name", FOUND)
def test_damaged_parquet_files_that_fuzzing_found_are_refused(name: str) -> None:
    path = HOSTILE / f"{name}.parquet"
    with pytest.raises(ClcapError) as caught:
        read_captions(path)
    assert str(caught.value).startswith(f"{path} cannot be read as a Parquet file: {FOUND[name]}")


def test_a_nested_dictionary_in_parquet_is_refused(tmp_path: Path) -> None:
    lists = pyarrow.ListArray.from_arrays([0, 3], repeated("a dog", 3))
    assert refusal(tmp_path, "a.parquet", parquet(image_id=[1], caption=lists)) == (
        "PATH: column 'caption' has a nested dictionary; store plain values in it"
    )


def test_a_categorical_column_of_pandas_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(image_id=[1, 2], caption=repeated("a dog", 2)))
    assert [record.captions for record in read_captions(tmp_path / "a.parquet").records] == [["a dog"], ["a dog"]]


REFUSED = {
    "deep.json": (b"[" * 100_000, "PATH contains lists or objects that are nested too deeply to be read"),
    "digits.json": (
        b'[{"image_id": ' + b"1" * 10_000 + b', "caption": "a dog"}]',
        "PATH contains a number with thousands of digits; write it as text",
    ),
    "infinite.json": (
        b'[{"image_id": 1e400, "caption": "a dog"}]',
        "PATH: record 0, column 'image_id': the number inf is not an id; give an integer or a string",
    ),
    "digits.csv": (
        b"image_id,caption\n" + b"1" * 20_000 + b",a dog\n",
        "PATH: row 1 (line 2), column 'image_id': it has 20,000 characters, more than 10,000",
    ),
    "caption.csv": (
        b"image_id,caption\n1," + LONG.encode() + b"\n",
        "PATH: row 1 (line 2), column 'caption': it has 1,199,999 characters, more than 1,000,000",
    ),
    "caption.json": (
        f'[{{"image_id": 1, "caption": ["{LONG}"]}}]'.encode(),
        "PATH: record 0, column 'caption': it has 1,200,000 characters, more than 1,000,000",
    ),
    "columns.csv": (
        b"image_id,caption" + b",c" * 60_000 + b"\n1,a dog\n",
        "PATH has 60,002 columns or keys, more than 10,000; leave out those that are not needed",
    ),
    "keys.jsonl": (
        b'{"image_id": 1, "caption": "a dog"}\n' + b"".join(b'{"k%d": 1}\n' % number for number in range(10_001)),
        "PATH has 10,003 columns or keys, more than 10,000; leave out those that are not needed",
    ),
    "huge.tar": (
        tar_header("a.txt", 2**60) + bytes(2048),
        "PATH is not a readable tar archive: a.txt declares 1,152,921,504,606,846,976 bytes; is the file complete?",
    ),
    "name.tar": (
        tar_header("././@LongLink", 2**40, tarfile.GNUTYPE_LONGNAME) + b"x" * 4000,
        "PATH is not a readable tar archive: empty header; is the file complete?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_extreme_values_are_refused_with_a_message(name: str, tmp_path: Path) -> None:
    content, message = REFUSED[name]
    assert refusal(tmp_path, name, content) == message


def test_members_outside_links_and_devices_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in {
            "../../x.jpg": tarfile.REGTYPE,
            "/etc/x.jpg": tarfile.REGTYPE,
            "link.jpg": tarfile.SYMTYPE,
            "hard.jpg": tarfile.LNKTYPE,
            "pipe.jpg": tarfile.FIFOTYPE,
            "device.jpg": tarfile.CHRTYPE,
            "a.jpg": tarfile.REGTYPE,
        }.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        text = tarfile.TarInfo("a.txt")
        text.size = 5
        archive.addfile(text, io.BytesIO(b"a dog"))
    file = read_captions(tmp_path / "a.tar")
    assert [record.file_name for record in file.records] == ["a.jpg"]
    assert file.notes == ["left out: 2 outside paths, 2 links, 2 special files"]


def test_a_number_beyond_64_bits_is_an_id(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"image_id": 1%s, "caption": "a dog"}]' % ("0" * 400))
    assert [record.id for record in read_captions(tmp_path / "a.json").records] == ["1" + "0" * 400]
