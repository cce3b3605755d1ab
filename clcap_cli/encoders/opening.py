"""Opening models of Hugging Face from local folders: nothing is downloaded, and no code of a folder is run."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from clcap_cli.digests import digest
from clcap_cli.errors import ClcapError, is_out_of_memory
from clcap_cli.extras import import_optional

LOCAL = {"local_files_only": True, "trust_remote_code": False}
"""Arguments with which the libraries neither download files nor run code from a model's folder."""
BARE_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError)
"""Errors that transformers raises for values that it did not check; their messages do not say where a value is."""


def check_vocabulary(folder: Path, tokenizer: Any, size: int) -> None:
    """Raise ClcapError if ``tokenizer`` lacks most of the ``size`` tokens that the model knows.

    transformers opens a tokenizer without its files as one that knows no words.
    """
    if len(tokenizer) < size / 2:
        raise ClcapError(
            f"{folder} lacks the files of its tokenizer, such as tokenizer.json: it has {len(tokenizer):,} of "
            f"{size:,} tokens"
        )


@contextmanager
def opening(folder: Path, expected: str, settings: str = "config.json") -> Iterator[None]:
    """Silence transformers in the block, and raise ClcapError for every error in it.

    ``expected`` names the kind of model for the message, such as "a CLIP model", and ``settings`` the file that the
    block opens it by.
    """
    logging = import_optional("transformers", expected).utils.logging
    verbosity, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    except ClcapError:
        raise
    except Exception as error:  # damaged files make the libraries raise nearly any error
        raise ClcapError(f"{folder} cannot be opened as {expected}: {_reason(error, settings)}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bar:
            logging.enable_progress_bar()


def _reason(error: Exception, settings: str) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return (
            "its weights are damaged, or a file of them holds objects other than tensors, which clcap does not load; "
            "a safetensors file is needed"
        )
    if isinstance(error, RuntimeError) and is_out_of_memory(error):
        return f"a size in its {settings} needs more memory than there is"
    first, *others = (str(error) or type(error).__name__).strip().splitlines()
    if isinstance(error, BARE_ERRORS):
        return f"its {settings} has a value that transformers cannot use ({type(error).__name__}: {first})"
    return f"{first} {others[0].strip()}" if first.endswith(":") and others else first


def identity(name: str, model: torch.nn.Module) -> str:
    """The name of an encoder with a digest of its weights, as signatures show it."""
    weights = digest(value.cpu().numpy().tobytes() for value in model.state_dict().values())
    return f"{name.replace('|', '_')}#{weights[:8]}"
