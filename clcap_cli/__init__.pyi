"""Types of the Python interface; made from the stages by ``python -m tests.python_stub``."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

from clcap_cli.api.captioner import LoadedCaptioner as LoadedCaptioner
from clcap_cli.api.captioner import load as load
from clcap_cli.api.results import Score as Score
from clcap_cli.api.results import SelfRetrieval as SelfRetrieval
from clcap_cli.api.scoring import score as score
from clcap_cli.errors import ClcapError as ClcapError
from clcap_cli.errors import InvalidValueError as InvalidValueError

__version__: str
_Path = str | PathLike[str]

def make_scenes(
    folder: _Path,
    train: int = 1000,
    val: int = 150,
    test: int = 200,
    colours: int = 8,
    objects: int = 3,
    seed: int = 0,
) -> Path:
    """Generate images of coloured shapes with captions."""

def inspect(
    file: _Path,
    *,
    columns: str | None = None,
    encoding: str | None = None,
) -> None:
    """Show what a caption file is taken for."""

def prepare_captions(
    dataset: _Path | None = None,
    train: Sequence[_Path] | None = None,
    val: Sequence[_Path] | None = None,
    test: Sequence[_Path] | None = None,
    out: _Path = ...,
    min_count: int = 5,
    max_length: int = 16,
    tokenize: str = "words",
    restval: str = "train",
    split_ratio: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    *,
    columns: str | None = None,
    encoding: str | None = None,
) -> Path:
    """Read a captioning dataset and build its vocabulary."""

def extract_features(
    captions: _Path,
    images: Sequence[_Path],
    out: _Path = ...,
    backbone: str = "tf_efficientnet_lite0",
    weights: str | None = None,
    image_size: int | None = None,
    encoder: _Path | None = None,
    skip_bad: bool = False,
    max_pixels: int = 89478485,
    resume: bool = False,
    shard: str | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Extract the features of images with a backbone."""

def import_features(
    captions: _Path,
    regions: _Path,
    out: _Path = ...,
    skip_bad: bool = False,
) -> Path:
    """Import region features from another program."""

def import_captioner(
    folder: str,
    captions: _Path,
    out: _Path | None = None,
    prompt: str | None = None,
    max_length: int | None = None,
) -> Path:
    """Import a pretrained captioner of Hugging Face."""

def train_mle(
    captions: _Path,
    features: _Path | None = None,
    out: _Path = ...,
    init_from: _Path | None = None,
    backbone: str | None = None,
    image_size: int | None = None,
    seed: int = 0,
    *,
    model: str | None = None,
    embedding: int | None = None,
    hidden: int | None = None,
    dropout: float | None = None,
    model_option: Sequence[str] | None = None,
    tokenizer: _Path | None = None,
    max_length: int | None = None,
    lora: int | None = None,
    train_layers: Sequence[str] | None = None,
    gradient_checkpointing: bool = False,
    epochs: int = 30,
    max_steps: int | None = None,
    eval_every: int | None = None,
    patience: int = 5,
    select_by: Literal["loss", "mean-rank", "cider"] = "loss",
    optimizer: Literal["adam", "adamw"] = "adam",
    lr: float = 0.001,
    encoder_lr: float = 1e-05,
    schedule: Literal["cosine", "cosine-by-epoch", "constant"] = "cosine",
    warmup_steps: int = 0,
    weight_decay: float | None = None,
    clip: float | None = None,
    clip_norm: float | None = None,
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    batch_size: int = 20,
    max_tokens: int | None = None,
    images: Sequence[_Path] | None = None,
    train_encoder: bool = False,
    augment: bool | None = None,
    weights: str | None = None,
    skip_bad: bool = False,
    max_pixels: int = 89478485,
    resume: bool = False,
    save_every: str = "10m",
    track: str | None = None,
    dry_run: bool = False,
    no_preflight: bool = False,
    fsdp: bool = False,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Train a captioner by maximum likelihood."""

def train_cl(
    ref: _Path,
    k: int = 5,
    objective: str = "contrastive",
    target: _Path | None = None,
    out: _Path | None = None,
    captions: _Path | None = None,
    features: _Path | None = None,
    ref_features: _Path | None = None,
    negatives: Literal["random", "similar", "mixed"] = "random",
    redraw_negatives: bool | None = None,
    reference_pool: int | None = None,
    discriminator: _Path | None = None,
    no_cache: bool = False,
    dropout: float = 0.0,
    seed: int = 0,
    *,
    lora: int | None = None,
    train_layers: Sequence[str] | None = None,
    gradient_checkpointing: bool = False,
    mle_weight: float | None = None,
    nu: float | None = None,
    beta: float | None = None,
    gamma: float | None = None,
    objective_option: Sequence[str] | None = None,
    epochs: int = 5,
    max_steps: int | None = None,
    eval_every: int | None = None,
    patience: int = 2,
    select_by: Literal["loss", "mean-rank", "cider"] = "mean-rank",
    optimizer: Literal["adam", "adamw"] = "adam",
    lr: float = 0.0001,
    encoder_lr: float = 1e-05,
    schedule: Literal["cosine", "cosine-by-epoch", "constant"] = "cosine",
    warmup_steps: int = 0,
    weight_decay: float | None = None,
    clip: float | None = None,
    clip_norm: float | None = None,
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    batch_size: int = 20,
    max_tokens: int | None = None,
    images: Sequence[_Path] | None = None,
    train_encoder: bool = False,
    augment: bool | None = None,
    weights: str | None = None,
    skip_bad: bool = False,
    max_pixels: int = 89478485,
    resume: bool = False,
    save_every: str = "10m",
    track: str | None = None,
    dry_run: bool = False,
    no_preflight: bool = False,
    fsdp: bool = False,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Fine-tune a captioner to write distinctive captions."""

def swap_reference(
    ref: _Path,
    candidate: _Path,
    out: _Path | None = None,
    force: bool = False,
    captions: _Path | None = None,
    features: _Path | None = None,
    ref_features: _Path | None = None,
    images: Sequence[_Path] | None = None,
    seed: int = 0,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Promote a trained target to the next round's reference."""

def caption(
    checkpoints: _Path | Sequence[_Path],
    split: str = "test",
    images: Sequence[_Path] | None = None,
    out: _Path | None = None,
    captions: _Path | None = None,
    features: _Path | None = None,
    split_images: Sequence[_Path] | None = None,
    weights: str | None = None,
    skip_bad: bool = False,
    max_pixels: int = 89478485,
    attention: bool = False,
    seed: int = 0,
    *,
    beam: int | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    temperature: float | None = None,
    length_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
    min_words: int = 0,
    max_words: int | None = None,
    num_captions: int = 1,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Write captions for a split or for image files."""

def leave_one_out(
    references: _Path,
    split: str | None = None,
    out: _Path = ...,
    seed: int = 0,
    *,
    columns: str | None = None,
    encoding: str | None = None,
) -> Path:
    """Turn one reference of each image into a caption."""

def self_retrieve(
    checkpoint: _Path,
    split: str = "test",
    ranker: _Path | None = None,
    pool: int | str | None = None,
    distractors: str | None = None,
    estimate: int | None = None,
    predictions: _Path | None = None,
    only_common: bool = False,
    out: _Path | None = None,
    captions: _Path | None = None,
    features: _Path | None = None,
    ranker_features: _Path | None = None,
    images: Sequence[_Path] | None = None,
    full_matrix: _Path | None = None,
    resume: bool = False,
    seed: int = 0,
    *,
    columns: str | None = None,
    encoding: str | None = None,
    beam: int | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    temperature: float | None = None,
    length_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
    min_words: int = 0,
    max_words: int | None = None,
    num_captions: int = 1,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Measure how well captions retrieve their own images."""

def evaluate(
    models_or_results: _Path | Sequence[_Path] | None = None,
    predictions: _Path | None = None,
    references: _Path | None = None,
    references_per_image: int | None = None,
    only_common: bool = False,
    metrics: str | None = None,
    tokenize: str | None = None,
    cider_df: _Path | None = None,
    spice_models: _Path | None = None,
    objects: _Path | None = None,
    retrieval: _Path | None = None,
    submission: _Path | None = None,
    test_predictions: _Path | None = None,
    split: str | None = None,
    out: _Path | None = None,
    captions: _Path | None = None,
    features: _Path | None = None,
    seed: int = 0,
    *,
    bleu_order: int = 4,
    bleu_smoothing: Literal["coco", "none", "floor", "add-k", "exp"] = "coco",
    columns: str | None = None,
    encoding: str | None = None,
    sentence_encoder: _Path | None = None,
    clip: _Path | None = None,
    images: Sequence[_Path] | None = None,
    max_pixels: int = 89478485,
    beam: int | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    temperature: float | None = None,
    length_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
    min_words: int = 0,
    max_words: int | None = None,
    num_captions: int = 1,
    device: str = "auto",
    threads: int | None = None,
) -> Path:
    """Score captions against references."""

def compare(
    metrics: Sequence[_Path],
    setting: Sequence[str] | None = None,
    baseline: str | None = None,
    out: _Path | None = None,
    markdown: _Path | None = None,
    latex: _Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Path | None:
    """Test which differences between runs are significant."""

def report(
    files: Sequence[_Path],
    out: _Path | None = None,
    images: Sequence[_Path] | None = None,
    tables: _Path | None = None,
    baseline: str | None = None,
    text: bool = False,
    csv: _Path | None = None,
    markdown: _Path | None = None,
    latex: _Path | None = None,
    columns: str | None = None,
    intervals: Literal["none", "below", "pm"] | None = None,
    plots: _Path | None = None,
) -> Path | None:
    """Show the results of runs on one HTML page."""

def export_captioner(
    checkpoint: _Path,
    folder: _Path,
) -> Path:
    """Write a captioner as a folder for other programs."""

def demo(
    folder: _Path = ...,
    seed: int = 0,
) -> Path:
    """Run the whole workflow on generated scenes."""

def show(
    file: _Path,
) -> None:
    """Show what a file is and how it was made."""

def cache(
    folder: _Path = ...,
    clear: bool = False,
    clear_unfinished: bool = False,
) -> None:
    """List or remove caches, saved runs and leftover files."""

def doctor() -> None:
    """Check that clcap works on this machine."""
