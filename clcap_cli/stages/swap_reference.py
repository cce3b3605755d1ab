"""swap-reference: the trained target becomes the next round's reference."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.artifacts.preconditions import CHECKPOINT_FILE, InputCheckpoint
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_info
from clcap_cli.errors import ClcapError
from clcap_cli.options import Option
from clcap_cli.stages.options import (
    ImageFolders,
    ReferenceCaptionsFile,
    ReferenceFeaturesFile,
    Seed,
    TargetFeaturesFile,
    output,
)
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.checkpoints import Checkpoint
    from clcap_cli.features.feature_sets import FeatureSet
    from clcap_cli.training.data import CaptionSplit

LABELS = {
    "log_prob": "ln p per caption",
    "R@1": "R@1",
    "mean_rank": "mean rank",
    "unique_share": "unique captions",
    "CIDEr": "CIDEr",
}
"""Printed names of the values that are compared."""
LIKELIHOOD_MARGIN = 0.05
"""Largest accepted relative increase of the mean negative ln p over that of the current reference."""


@stage
def swap_reference(
    ref: Annotated[Path, InputCheckpoint(), Option("Current reference (*.pt).")],
    candidate: Annotated[Path, InputCheckpoint(), Option("Trained target (*.pt) to promote.")],
    out: Annotated[Path | None, CHECKPOINT_FILE, output("named after reference and round, such as nt_ref1.pt")] = None,
    force: Annotated[bool, Option("Accept the candidate even if it is worse.", name="--force")] = False,
    captions: ReferenceCaptionsFile = None,
    features: TargetFeaturesFile = None,
    ref_features: ReferenceFeaturesFile = None,
    images: ImageFolders = None,
    seed: Seed = 0,
    compute: ComputeSettings = ComputeSettings(),
) -> Path:
    """Promote a trained target to the next round's reference.

    This is the paper's reference replacement. Both models are compared on the validation images for which both have
    features. The candidate is refused if its mean rank in self-retrieval is worse (larger) than that of the current
    reference model, or if its validation loss, the mean negative ln p of a caption, is more than 5% larger. The cache
    of the current reference model is removed.

    Example: clcap swap-reference --ref nt.pt --candidate nt_cl.pt
    """
    settings = flattened(locals())
    import re

    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.cache import LOG_PROBS_KIND, log_probs_path, remove_cache
    from clcap_cli.artifacts.checkpoints import Lineage, open_checkpoint, write_checkpoint
    from clcap_cli.artifacts.compatibility import captions_for, check_tokenizer
    from clcap_cli.artifacts.features import Features
    from clcap_cli.artifacts.provenance import BASE, Origin
    from clcap_cli.features.opening import feature_set_for, recorded_features, recorded_folders_of
    from clcap_cli.training.data import CaptionSplit

    current, trained = open_checkpoint(ref), open_checkpoint(candidate)
    lineage = Lineage(round=current.lineage.round + 1, parents=[*current.lineage.parents, current.provenance.id])
    check_tokenizer(current, trained.tokenizer, trained.path)
    captions_h5 = captions_for(current, captions)
    device = compute.start()
    inputs = feature_set_for(trained, captions_h5, features, images, device)
    of_reference = feature_set_for(current, captions_h5, ref_features, images, device, "--ref-features")
    origin = Origin("swap-reference", settings)
    for role, artifact in (
        ("reference", current),
        ("candidate", trained),
        ("captions", captions_h5),
    ):
        origin.add_input(role, artifact)
    if trained.base:
        origin.add_input(BASE, trained.base)
    if stored := inputs if isinstance(inputs, Features) else recorded_features(trained):
        origin.add_input("features", stored)
    first = re.sub(r"_ref\d+$", "", ref.stem)
    out = check_writable(out or candidate.with_name(f"{first}_ref{lineage.round}.pt"), origin.input_paths)
    if trained.encoder and (folders := images or recorded_folders_of([trained])):
        settings.update(images=list(map(str, folders)), out=out)
    split = CaptionSplit(
        captions_h5,
        "val",
        device,
        [*inputs.skipped, *of_reference.skipped],
        current.tokenizer,
        current.config.max_length,
    )
    before, after = (
        _measure(current, split, of_reference, seed),
        _measure(trained, split, inputs, seed),
    )
    for line in _comparison(before, after):
        print_info(line)
    worse = _worse(before, after)
    if worse and not force:
        raise ClcapError(f"{candidate} is a worse reference than {ref}: {worse}; accept it anyway with --force")
    record = {"comparison": {"reference": before, "candidate": after}}
    shared = trained.tokenizer, trained.backbone, record, lineage, origin, trained.encoder
    write_checkpoint(out, trained.model, trained.captioner(device), *shared, base=trained.base)
    remove_cache(log_probs_path(ref), LOG_PROBS_KIND)
    return out


def _comparison(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """The values of both on the validation split, as a table."""
    rows = [(LABELS[name], before[name], after[name]) for name in LABELS if name in before]
    lines = [f"{label:<16}  {old:>9.3f}  {new:>9.3f}" for label, old, new in rows]
    return [f"{'validation split':<16}  {'reference':>9}  {'candidate':>9}", *lines]


def _measure(checkpoint: "Checkpoint", split: "CaptionSplit", features: "FeatureSet", seed: int) -> dict[str, float]:
    """Mean ln p of the references and self-retrieval metrics, on the validation split."""
    from clcap_cli.features.feature_sets import feature_source
    from clcap_cli.training.validation import CaptionSample, split_log_probs

    model = checkpoint.captioner(split.device)
    log_probs, _ = split_log_probs(model, split, feature_source(features, split.ids, model))
    return {"log_prob": float(log_probs.mean()), **CaptionSample(split, features, model, seed).metrics(model)}


def _worse(before: dict[str, float], after: dict[str, float]) -> str:
    """Why the candidate is worse; empty if it is not."""
    if after["mean_rank"] > before["mean_rank"]:
        return f"mean rank {after['mean_rank']:.2f} against {before['mean_rank']:.2f} on the validation split"
    if after["log_prob"] < before["log_prob"] * (1 + LIKELIHOOD_MARGIN):
        return f"mean ln p {after['log_prob']:.2f} against {before['log_prob']:.2f} on the validation split"
    return ""
