"""The tokenisation of COCO's evaluation: Stanford's PTB tokeniser, lower case, punctuation left out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from clcap_cli.metrics.java import SHORT_RUN, JavaError, JavaProgram, ended_together, package_folder

NAME = "PTB (Stanford CoreNLP 3.4.1)"


def tokenise(*groups: Sequence[str]) -> list[list[str]]:
    """Each group of texts, tokenised: one line a text, its words parted by single spaces.

    The groups are tokenised side by side, each as one stream, which is what pycocoevalcap does with all references and
    with all captions.

    Raises JavaError.
    """
    with ThreadPoolExecutor(len(groups)) as pool, ended_together():
        return list(pool.map(_tokenised, groups))


def _tokenised(texts: Sequence[str]) -> list[str]:
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS, STANFORD_CORENLP_3_4_1_JAR

    jar = package_folder("tokenizer") / STANFORD_CORENLP_3_4_1_JAR
    words = ("edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", "-encoding", "UTF-8")
    with JavaProgram("the tokeniser", *SHORT_RUN, "-cp", str(jar), *words) as program:
        program.tell([one_line(text) for text in texts], last=True)
        lines = list(program.answers())
    # Empty texts at the very end have no line in its output.
    if any(character.isalnum() for text in texts[len(lines) :] for character in text):
        raise JavaError("the tokeniser stopped early")
    lines += [""] * (len(texts) - len(lines))
    return [" ".join(word for word in line.split(" ") if word and word not in PUNCTUATIONS) for line in lines]


def one_line(text: str) -> str:
    """The text without line ends of any kind, which would be taken for the end of a text."""
    return " ".join(text.splitlines())
