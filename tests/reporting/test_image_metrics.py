"""The metrics of single images in the data of the page."""

import json

from clcap_cli.evaluation.runs import open_runs
from tests.reporting.conftest import image
from tests.reporting.test_page import Elements, page_of


def test_the_page_has_the_metrics_of_each_image(write) -> None:
    first = image(1, "a dog", METEOR=0.123456, novel=1, tokenised="a dog", pool_size=9, is_odd=True)
    paths = [
        write("nt.metrics.json", [first, image(2, "a cat", METEOR=0.5)]),
        write("nt_cl.metrics.json", [image(2, "a cat"), image(3, "a cow", log_prob=-12.3456)]),
    ]
    content = json.loads(Elements(page_of(open_runs(paths))).data)
    assert content["metrics"] == [
        {"name": "METEOR", "label": "METEOR", "direction": 1},
        {"name": "novel", "label": "Novel", "direction": 0},
        {"name": "log_prob", "label": "ln p of the caption", "direction": 0},
    ]
    assert [run["metrics"] for run in content["runs"]] == [
        {"METEOR": [0.123, 0.5, None], "novel": [1, None, None]},
        {"log_prob": [None, None, -12.346]},
    ]


def test_values_of_another_caption_are_left_out(write) -> None:
    paths = [
        write("nt.metrics.json", [image(1, "a dog", METEOR=0.5), image(2, "a cat", METEOR=0.25)]),
        write("nt.retrieval.json", [image(1, "a big dog", rank=1), image(2, "a cat", rank=2)]),
    ]
    content = json.loads(Elements(page_of(open_runs(paths))).data)
    assert content["images"][0][3][0][0] == "a big dog"
    assert content["runs"][0]["metrics"] == {"METEOR": [None, 0.25]}


def test_a_value_of_a_caption_and_its_share_are_one_metric(write) -> None:
    path = write("nt.metrics.json", [image(1, "a dog", novel=1, novel_share=1.0)])
    content = json.loads(Elements(page_of(open_runs([path]))).data)
    assert [metric["name"] for metric in content["metrics"]] == ["novel_share"]
