"""Tokenisation of the COCO evaluation: Stanford's PTB tokeniser, lower case, without punctuation."""

import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from clcap_cli.metrics.java import JavaError, JavaProgram, kill_all_on_error, pycocoevalcap_folder
from clcap_cli.metrics.java_runtime import SHORT_RUN

NAME = "PTB (Stanford CoreNLP 3.4.1)"


def tokenise(*groups: Sequence[str]) -> list[list[str]]:
    """Tokenise each group of texts: words of the resulting texts are separated by single spaces.

    The groups run in parallel, each as one stream, as pycocoevalcap tokenises all references and all captions.

    Raises JavaError.
    """
    with ThreadPoolExecutor(len(groups)) as pool, kill_all_on_error():
        return list(pool.map(_tokenise_group, groups))


def _tokenise_group(texts: Sequence[str]) -> list[str]:
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS, STANFORD_CORENLP_3_4_1_JAR

    jar = pycocoevalcap_folder("tokenizer") / STANFORD_CORENLP_3_4_1_JAR
    arguments = ("edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", "-encoding", "UTF-8")
    with JavaProgram("the tokeniser", *SHORT_RUN, "-cp", str(jar), *arguments) as program:
        program.send([single_line(composed(text)) for text in texts], last=True)
        lines = list(program.read_lines())
    # The tokeniser writes no lines for empty texts at the end of its input.
    if any(character.isalnum() for text in texts[len(lines) :] for character in text):
        raise JavaError(f"the tokeniser wrote {len(lines)} of {len(texts)} lines")
    lines += [""] * (len(texts) - len(lines))
    return [" ".join(word for word in line.split(" ") if word and word not in PUNCTUATIONS) for line in lines]


def composed(text: str) -> str:
    """The text in the Unicode form NFC and without the Turkish İ, whose lower case Java writes with two dots.

    This is all that clcap adds to pycocoevalcap's tokenisation. It changes only texts with decomposed accents or İ,
    which would else differ from equal texts that were typed in another way.
    """
    return unicodedata.normalize("NFC", text).replace("İ", "I")


def single_line(text: str) -> str:
    """The text with all line breaks replaced by spaces, because the tokeniser reads one text per line."""
    return " ".join(text.splitlines())
