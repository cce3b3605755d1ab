"""Small files of every kind that people give by mistake, each with what clcap says that it is."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image

COCO = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "id": 1, "caption": "a dog"}]}
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>Quota exceeded</title></head></html>"
PAGE_KIND = "an HTML page, not the file itself"
PICKLE_KIND = "a file of pickled Python objects, such as a *.pth of PyTorch before 1.6"


def tar(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return buffer.getvalue()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def image(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind)
    return buffer.getvalue()


def numpy_file(save, *arrays, **named) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


def torch_file(content: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def hdf5_file() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["feats"] = np.zeros((3, 4), "f4")
    return buffer.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


WEIGHTS = {"state_dict": {"w": torch.zeros(2)}}
EXAMPLES: dict[str, tuple[bytes, str]] = {
    "empty.json": (b"", "an empty file"),
    "blank.csv": (b"  \n\n", "a file of white space only"),
    "pointer.h5": (LFS.encode(), "a Git LFS pointer, not the file itself"),
    "page.json": (PAGE.encode(), PAGE_KIND),
    "coco.json": (json.dumps(COCO).encode(), "JSON: an object with the keys images, annotations"),
    "lines.json": (b'{"image": "a"}\n{"image": "b"}\n', "JSON Lines, the first an object with the keys image"),
    "cut.json": (b'{"images": [{"id": 1, "fi', "JSON that is cut off or invalid"),
    "numbers.json": (b"[1, 2]", "JSON: a list of 2, the first a number"),
    "config.json": (b'{"model_type": "blip"}', "JSON: an object with the keys model_type"),
    "t.csv": (b"image,caption\na.jpg,b\n", "a table with columns separated by commas, the first row image, caption"),
    "t.txt": (b"image\tcaption\na\tb\n", "a table with columns separated by tabs, the first row image, caption"),
    "wide.csv": ("a;b\n1;2\n".encode("utf-16"), "a table with columns separated by semicolons, the first row a, b"),
    "notes.md": (b"hello there\n", "a text file that starts with 'hello there'"),
    "x.json.gz": (gzip.compress(b"{}"), "a gzip archive"),
    "x.tar": (tar("000.jpg"), "a tar archive of several files, the first 000.jpg"),
    "x.zip": (zipped("a.json", "b.json"), "a ZIP archive of 2 files: a.json, b.json"),
    "x.xlsx": (zipped("xl/workbook.xml"), "an Excel workbook"),
    "other.h5": (hdf5_file(), "an HDF5 file of another program"),
    "user_block.mat": (bytes(512) + hdf5_file(), "an HDF5 file of another program"),
    "a.npy": (numpy_file(np.save, np.zeros(3)), "a NumPy array"),
    "a.npz": (numpy_file(np.savez, x=np.zeros(3)), "a NumPy archive (*.npz) with the arrays x"),
    "other.pt": (torch_file(WEIGHTS), "a PyTorch file of another program"),
    "cut.pt": (torch_file(WEIGHTS)[:200], "a ZIP archive or PyTorch file that is cut off or damaged"),
    "old.pth": (torch_file(WEIGHTS, _use_new_zipfile_serialization=False), PICKLE_KIND),
    "infos.pkl": (pickle.dumps({"opt": 1}), PICKLE_KIND),
    "model.safetensors": (safetensors(), "a file of weights in the format safetensors"),
    "nt2.t7": (b"\x03\0\0\0\x01\0\0\0\x05\0\0\0", "a checkpoint of Torch7 (Lua), such as neuraltalk2's"),
    "a.jpg": (image("JPEG"), "a JPEG image"),
    "a.png": (image("PNG"), "a PNG image"),
    "a.webp": (image("WEBP"), "a WebP image"),
    "a.avif": (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF image"),
    "plot.svg": (b'<?xml version="1.0"?>\n<svg></svg>', "an SVG drawing"),
    "random": (bytes(range(200, 256)) + b"\0", "a binary file that starts with the bytes c8 c9 ca cb"),
}
"""Content and description by file name; the suffix is often not that of the content."""


def write_examples(folder: Path) -> list[Path]:
    """Write all examples into an existing folder."""
    paths = []
    for name, (content, _) in EXAMPLES.items():
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    return paths
