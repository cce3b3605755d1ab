"""SBERT-sim, CLIPScore and RefCLIPScore from the command line and from Python."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import clcap_cli
from tests.encoders.tiny_clip import direct_logits, direct_scores

CAPTIONS = {"a.png": "a dog runs", "b.png": "two cats", "c.png": "a red bus", "d.png": "x"}
REFERENCES = {
    "a.png": ["a dog", "The dog is running."],
    "b.png": ["cats sleep"],
    "c.png": ["a bus"],
    "d.png": ["y", "z"],
}
NAMES = ("CLIPScore", "RefCLIPScore", "SBERT-sim")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Captions, references and images of four pictures."""
    (tmp_path / "images").mkdir()
    for number, name in enumerate(CAPTIONS):
        gradient = (np.indices((40, 50))[number % 2] * 5).astype(np.uint8)
        Image.fromarray(gradient).convert("RGB").rotate(30 * number).save(tmp_path / "images" / name)
    written = {"predictions": CAPTIONS, "references": REFERENCES}
    for name, texts in written.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(texts))
    return {name: tmp_path / f"{name}.json" for name in written} | {"images": tmp_path / "images"}


def scored(clcap, files: dict[str, Path], *arguments: object) -> dict[str, Any]:
    out = files["images"].parent / "out.metrics.json"
    given = ("--predictions", files["predictions"], "--references", files["references"], "--out", out)
    given = (*given, "--tokenize", "whitespace")  # COCO's tokeniser takes seconds to start
    result = clcap("evaluate", *given, *arguments)
    assert result.status == 0, result.err
    return json.loads(out.read_text()) | {"stderr": result.err}


def test_clip_scores_are_those_of_the_paper(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    content = scored(clcap, files, "--metrics", "refclipscore", "--clip", tiny_clip, "--images", files["images"])
    found = [(image["CLIPScore"], image["RefCLIPScore"]) for image in content["images"]]
    for own, name in zip(found, CAPTIONS, strict=True):
        expected = direct_scores(tiny_clip, files["images"] / name, CAPTIONS[name], REFERENCES[name])
        assert own == pytest.approx(expected, abs=1e-6)
    assert len({own for own in found if own[0] > 0.01}) > 1
    for position, name in enumerate(NAMES[:2]):
        assert content["metrics"][name] == pytest.approx(np.mean([own[position] for own in found]))
        low, high = content["intervals"][name]
        assert low <= content["metrics"][name] <= high
        assert (
            "|prompt:A photo depicts|texts:as written|embeddings:fp32|encoder:tiny-clip#" in content["signatures"][name]
        )


def test_clip_ranks_images_as_its_logits_do(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    content = scored(clcap, files, "--metrics", "CLIP-retrieval", "--clip", tiny_clip, "--images", files["images"])
    logits = direct_logits(tiny_clip, [files["images"] / name for name in CAPTIONS], list(CAPTIONS.values()))
    better = (logits > np.diagonal(logits)[:, np.newaxis]).sum(1)
    assert [image["clip_rank"] for image in content["images"]] == (1 + better).tolist()
    assert content["metrics"]["CLIP_mean_rank"] == pytest.approx(np.mean(1 + better))
    assert content["metrics"]["CLIP_R@1"] == pytest.approx(np.mean(better < 1))
    assert content["signatures"]["CLIP_R@1"].startswith("pool:4|prompt:A photo depicts|")


def test_sentence_similarity_compares_texts_as_written(clcap, files: dict[str, Path]) -> None:
    content = scored(clcap, files, "--metrics", "SBERT-sim,ROUGE_L")
    encoder = default_encoder()
    for image, (name, caption) in zip(content["images"], CAPTIONS.items(), strict=True):
        own, *references = encoder.embed_texts([caption, *REFERENCES[name]])
        assert image["SBERT-sim"] == pytest.approx(np.mean([own @ one for one in references]), abs=1e-6)
    assert "encoder:all-MiniLM-L6-v2#" in content["signatures"]["SBERT-sim"]
    assert "|pooling:mean|max tokens:256|embeddings:fp32|" in content["signatures"]["SBERT-sim"]


def default_encoder() -> Any:
    import torch

    from clcap_cli.encoders.sentence_encoder import SentenceEncoder

    return SentenceEncoder(None, lambda: torch.device("cpu"))


def test_signatures_have_only_what_a_value_depends_on(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    names = ",".join((*NAMES, "CLIP-retrieval", "CHAIR", "ROUGE_L"))
    options = ("--metrics", names, "--clip", tiny_clip, "--images", files["images"])
    signatures = scored(clcap, files, *options)["signatures"]
    parts = ("tok", "refs", "objects")
    found = {name: [key for key in parts if f"|{key}:" in f"|{text}"] for name, text in signatures.items()}
    assert found == {
        **{name: [] for name in ("CLIPScore", "CLIP_R@1", "CLIP_mean_rank")},
        **{name: ["refs"] for name in ("RefCLIPScore", "SBERT-sim")},
        **{name: ["tok", "refs", "objects"] for name in ("CHAIR_i", "CHAIR_s")},
        "mentioned_objects": ["tok"],
        "ROUGE_L": ["tok", "refs"],
    }


def test_clip_scores_with_other_references_are_comparable(
    clcap, files: dict[str, Path], tiny_clip: Path, tmp_path: Path
) -> None:
    options = ("--metrics", "CLIPScore,SBERT-sim", "--clip", tiny_clip, "--images", files["images"])
    scored(clcap, files, *options)
    more = (tmp_path / "out.metrics.json").rename(tmp_path / "more.metrics.json")
    files["references"].write_text(json.dumps({name: texts[:1] for name, texts in REFERENCES.items()}))
    scored(clcap, files, *options)
    compared = clcap("compare", more, tmp_path / "out.metrics.json")
    (line,) = [line for line in compared.out.splitlines() if line.endswith(": refs 1-2 and c1")]
    assert "SBERT-sim" in line and "CLIPScore" not in line


def test_python_and_command_line_agree(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    options = ("--metrics", ",".join(NAMES), "--clip", tiny_clip, "--images", files["images"])
    content = scored(clcap, files, *options)
    score = clcap_cli.score(
        CAPTIONS, REFERENCES, metrics=NAMES, tokenize="whitespace", clip=tiny_clip, images=files["images"]
    )
    for name in NAMES:
        assert score.metrics[name] == content["metrics"][name]
        assert score.intervals[name] == tuple(content["intervals"][name])
    assert score.signatures == content["signatures"]


def test_several_captions_are_scored_one_by_one(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    options = ("--metrics", ",".join(NAMES), "--clip", tiny_clip, "--images", files["images"])
    single = scored(clcap, files, *options)
    files["predictions"].write_text(json.dumps({name: [text, "a dog"] for name, text in CAPTIONS.items()}))
    content = scored(clcap, files, *options)
    for name in NAMES:
        firsts = [image["captions"][0][name] for image in content["images"]]
        assert firsts == pytest.approx([image[name] for image in single["images"]], abs=1e-6)
        assert content["metrics"][f"{name}_best_of_2"] >= content["metrics"][f"{name}_mean_of_2"]


def test_compare_and_report_show_the_values(clcap, files: dict[str, Path], tiny_clip: Path, tmp_path: Path) -> None:
    options = ("--metrics", ",".join((*NAMES, "CLIP-retrieval")), "--clip", tiny_clip, "--images", files["images"])
    scored(clcap, files, *options)
    first = files["images"].parent / "out.metrics.json"
    second = Path(first.rename(tmp_path / "first.metrics.json"))
    files["predictions"].write_text(json.dumps(dict.fromkeys(CAPTIONS, "a dog")))
    scored(clcap, files, *options)
    compared = clcap("compare", second, first)
    assert compared.status == 0, compared.err
    assert all(name in compared.out for name in (*NAMES, "CLIP_R@1", "CLIP_mean_rank"))
    assert clcap("report", second, first, "--out", tmp_path / "report.html").status == 0
    page = (tmp_path / "report.html").read_text()
    assert all(name in page for name in (*NAMES, "CLIP R@1", "Against the images"))


def test_missing_images_are_counted_with_advice(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    (files["images"] / "b.png").unlink()
    options = ("--metrics", "ROUGE_L,CLIPScore", "--clip", tiny_clip, "--images", files["images"])
    content = scored(clcap, files, *options)
    assert content["not_scored"]["CLIPScore"] == (
        f"1 of 4 images are not found, the first is image b.png: no such file: {files['images']}/b.png; give all "
        "folders of the images with --images"
    )
    assert f"warning: CLIPScore is not scored: {content['not_scored']['CLIPScore']}" in content["stderr"]
    assert "ROUGE_L" in content["metrics"]


def test_one_warning_names_what_was_asked_for(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    (files["images"] / "b.png").unlink()
    options = ("--metrics", "ROUGE_L,RefCLIPScore", "--clip", tiny_clip, "--images", files["images"])
    (line,) = [line for line in scored(clcap, files, *options)["stderr"].splitlines() if "not scored" in line]
    assert "warning: RefCLIPScore is not scored: 1 of 4 images are not found" in line


def test_images_without_file_names_need_them(clcap, files: dict[str, Path], tiny_clip: Path) -> None:
    for name, texts in {"predictions": CAPTIONS, "references": REFERENCES}.items():
        files[name].write_text(json.dumps({str(number): text for number, text in enumerate(texts.values())}))
    options = ("--metrics", "ROUGE_L,CLIPScore", "--clip", tiny_clip, "--images", files["images"])
    assert "or references that list their file names" in scored(clcap, files, *options)["not_scored"]["CLIPScore"]


def test_a_folder_without_encoder_stops_before_scoring(
    clcap, files: dict[str, Path], tiny_clip: Path, tmp_path: Path
) -> None:
    no_weights = shutil.copytree(tiny_clip, tmp_path / "no weights")
    (no_weights / "model.safetensors").unlink()
    no_modules = tmp_path / "no modules"
    no_modules.mkdir()
    (no_modules / "modules.json").write_text("[]")
    given = ("--predictions", files["predictions"], "--references", files["references"], "--tokenize", "whitespace")
    for metric, option, folder, problem in (
        ("CLIPScore", "--clip", files["images"], "has no config.json; a CLIP model"),
        ("CLIPScore", "--clip", no_weights, "cannot be opened as a CLIP model"),
        ("SBERT-sim", "--sentence-encoder", tiny_clip, "has no modules.json; a sentence encoder"),
        ("SBERT-sim", "--sentence-encoder", no_modules / "modules.json", "lists no modules; a sentence encoder"),
    ):
        given_folder = folder.parent if folder.is_file() else folder
        result = clcap("evaluate", *given, "--metrics", f"ROUGE_L,{metric}", option, given_folder)
        assert result.status == 1
        assert f"{folder} {problem}" in result.err
        assert "scoring" not in result.err and not list(tmp_path.glob("*.metrics.json"))


def test_images_that_are_not_recorded_must_be_given(files: dict[str, Path], tiny_clip: Path, error_of) -> None:
    given = ("--predictions", files["predictions"], "--references", files["references"], "--tokenize", "whitespace")
    message = error_of("evaluate", *given, "--metrics", "CLIPScore", "--clip", tiny_clip)
    assert message == "CLIP needs the images, whose folder is not recorded or has moved; give it with --images"


def test_images_are_found_by_features_h5(chain: Path, clcap, tiny_clip: Path) -> None:
    captions = json.loads((chain / "scenes" / "captions_test.json").read_text())
    predictions = {annotation["image_id"]: annotation["caption"] for annotation in captions["annotations"]}
    rows = [{"image_id": id, "caption": caption} for id, caption in predictions.items()]
    (chain / "own.json").write_text(json.dumps(rows))
    given = (
        "--predictions",
        chain / "own.json",
        "--references",
        chain / "captions.h5",
        "--features",
        chain / "features.h5",
    )
    options = ("--metrics", "CLIPScore", "--clip", tiny_clip, "--out", chain / "m.json", "--tokenize", "whitespace")
    assert clcap("evaluate", *given, *options).status == 0
    content = json.loads((chain / "m.json").read_text())
    names = {image["id"]: image["file_name"] for image in captions["images"]}
    for image in content["images"][:3]:
        picture = chain / "scenes" / "images" / names[image["image_id"]]
        assert image["CLIPScore"] == pytest.approx(
            direct_scores(tiny_clip, picture, image["caption"], ["a"])[0], abs=1e-6
        )


def test_options_and_metrics_need_each_other(files: dict[str, Path], usage_error_of, tiny_clip: Path) -> None:
    given = ("evaluate", "--predictions", files["predictions"], "--references", files["references"])
    message = usage_error_of(*given, "--metrics", "BLEU,clipscore")
    assert "CLIPScore needs a CLIP model; give its folder with --clip" in message
    for option, folder, users in (
        ("--clip", tiny_clip, "CLIPScore, RefCLIPScore, CLIP-retrieval"),
        ("--images", files["images"], "CLIPScore, RefCLIPScore, CLIP-retrieval"),
        ("--sentence-encoder", tiny_clip, "SBERT-sim"),
    ):
        assert f"only for {users}; name the metric with --metrics" in usage_error_of(*given, option, folder)
