"""A quotation mark that swallows rows of a CSV file is refused; captions of several lines are read."""

from pathlib import Path

import pytest

from clcap_cli.datasets.readers import read_captions
from clcap_cli.errors import ClcapError

SWALLOWING = {
    "in the first row": "image,caption,split\na.jpg,\" a man in a hat,train\nb.jpg,a dog,train\nc.jpg,\"a cat\",val\n",
    "never closed": 'image,caption,split\na.jpg," a man in a hat,train\nb.jpg,a dog,train\n',
    "in the last row": 'image,caption\na.jpg,a man\nb.jpg,"a dog\n',
    "closed by another": 'image,caption\na.jpg,"a man\nb.jpg,a dog\nc.jpg,a cat"\nd.jpg,x y\n',
    "closed before the split": 'image,caption,split\na.jpg,"a man,train\nb.jpg,a dog",train\n',
    "commas in captions": 'image,caption\na.jpg,"a man\nb.jpg,a dog, big\nc.jpg,"a cat"\n',
    "numbers as ids": 'id,caption\n1,"a man\n2,a dog\n3,a cat"\n',
    "ids with numbers": 'image_id,caption\ncoco-1,"a man\ncoco-22,a dog"\ncoco-3,z z\n',
    "ids of several parts": 'image,caption\nimg_one,"a man\nimg_two,a dog"\nimg_x,a cat\n',
    "names with spaces": 'image,caption\n/x/a b/1.jpg,"a man\n/x/a b/2.jpg,a dog"\n',
    "captions before images": 'caption,image\n"a man,a.jpg\na dog,b.jpg"\na cat,c.jpg\n',
    "in the image": 'image,caption\n"a.jpg,a man\nb.jpg,a dog\n"c.jpg",x y\n',
    "semicolons": 'image;caption\na.jpg;"a man\nb.jpg;a dog"\n',
    "carriage returns": 'image,caption\ra.jpg,"a man\rb.jpg,a dog"\r',
}  # fmt: skip
READ = {
    "several lines": ('image,caption\na.jpg,"a man\nwith a hat"\nb.jpg,a dog\n', ["a man\nwith a hat", "a dog"]),
    "lines with commas": ('image,caption\na.jpg,"a man,\nwith, a hat, in snow"\n', ["a man,\nwith, a hat, in snow"]),
    "lines with as many commas as a row": (
        'image,caption,split\na.jpg,"a man\nwith, a, hat",train\n',
        ["a man\nwith, a, hat"],
    ),
    "numbers in lines": ('id,caption\n1,"a man\n2 dogs, a hat"\n', ["a man\n2 dogs, a hat"]),
    "a list over lines": ("image,caption\na.jpg,\"['a man',\n 'a dog, big']\"\n", ["a man", "a dog, big"]),
    "quotes within": ('image,caption\na.jpg,a "big" man\nb.jpg,a 6" dog\n', ['a "big" man', 'a 6" dog']),
    "doubled quotes": ('image,caption\na.jpg,"a ""big"" man"\n', ['a "big" man']),
    "single quotes": ("image,caption\na.jpg,'a man\nb.jpg,a dog'\n", ["'a man", "a dog'"]),
    "smart quotes": ("image,caption\na.jpg,“a man\nb.jpg,a dog”\n", ["“a man", "a dog”"]),
    "tabs, an opened quote": ('image\tcaption\na.jpg\t"a man\nb.jpg\ta dog"\n', ['"a man', 'a dog"']),
    "bars, an opened quote": ('image|caption\na.jpg|"a man\nb.jpg|a dog\n', ['"a man', "a dog"]),
    "empty lines": ('image,caption\n\na.jpg,"a man\n\nwith a hat"\n\n', ["a man\n\nwith a hat"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SWALLOWING)
def test_a_mark_that_swallows_rows_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(SWALLOWING[name].encode())
    with pytest.raises(ClcapError) as error:
        read_captions(path)
    row = "row 2 (line 3)" if name == "in the last row" else "row 1 (line 2)"
    assert str(error.value).startswith(f"{path}: {row}: a quotation mark opens a field that ")


@pytest.mark.parametrize("name", READ)
def test_captions_with_quotes_and_lines_are_read(tmp_path: Path, name: str) -> None:
    content, captions = READ[name]
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode())
    assert [text for one in read_captions(path).records for text in one.captions] == captions
