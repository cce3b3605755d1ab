"""The stages that the soak test kills: their commands, and how they go on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SMALL = "--embedding 24 --hidden 32 --lr 0.01 --batch-size 4 --save-every 2 --device cpu"
CL = "--k 2 --epochs 2 --batch-size 4 --save-every 3 --device cpu"
CAPTIONS = "--train scenes/captions_train.json --val scenes/captions_val.json --test scenes/captions_test.json"


@dataclass(frozen=True)
class Case:
    """A command that is killed."""

    name: str
    command: str
    outputs: tuple[str, ...]
    """Patterns of the files that it writes."""
    state: str = ""
    """File with what an interrupted run has saved, with which ``--resume`` goes on; empty for stages without it."""
    other_seed: str = ""
    """Option that gives other outputs; none for stages that use no random numbers."""


CASES = (
    Case("make-scenes", "make-scenes scenes --train 24 --val 8 --test 10", ("scenes/*.json", "scenes/images/*.png")),
    Case("prepare-captions", f"prepare-captions {CAPTIONS} --min-count 2 --out captions.h5", ("captions.h5",)),
    Case(
        "leave-one-out",
        "leave-one-out captions.h5 --out human.captions.json",
        ("human.captions.json", "human.captions.provenance.json", "human.references.json"),
        other_seed="--seed 1",
    ),
    Case(
        "extract-features",
        "extract-features captions.h5 --images scenes/images --image-size 64 --device cpu --out features.h5",
        ("features.h5",),
        state="features.partial.json",
    ),
    Case("import-features", "import-features captions.h5 regions --out regions.h5", ("regions.h5",)),
    Case(
        "train-mle",
        f"train-mle captions.h5 features.h5 --out nt.pt --epochs 4 {SMALL}",
        ("nt.pt", "nt.log.jsonl"),
        state="nt.state.pt",
        other_seed="--seed 1",
    ),
    Case(
        "train-cl contrastive",
        f"train-cl --ref nt.pt --out cl.pt {CL}",
        ("cl.pt", "cl.log.jsonl"),
        state="cl.state.pt",
        other_seed="--seed 1",
    ),
    Case(
        "train-cl adversarial",
        f"train-cl --ref nt.pt --out gan.pt --objective adversarial {CL}",
        ("gan.pt", "gan.log.jsonl", "gan.discriminator.pt"),
        state="gan.state.pt",
        other_seed="--seed 1",
    ),
    Case(
        "swap-reference",
        "swap-reference --ref nt.pt --candidate cl.pt --force --device cpu",
        ("nt_ref1.pt",),
        other_seed="--seed 1",
    ),
    Case(
        "caption",
        "caption nt.pt --device cpu",
        ("nt.captions.json", "nt.captions.provenance.json"),
        other_seed="--seed 1",
    ),
    Case(
        "caption to CSV",
        "caption cl.pt --device cpu --out cl.csv",
        ("cl.csv", "cl.csv.provenance.json"),
        other_seed="--seed 1",
    ),
    Case(
        "self-retrieve",
        "self-retrieve nt.pt --full-matrix m.log_probs.h5 --device cpu",
        ("nt.retrieval.json", "m.log_probs.h5"),
        other_seed="--seed 1",
    ),
    Case(
        "evaluate",
        "evaluate nt.captions.json --references captions.h5 --metrics CIDEr",
        ("nt.metrics.json",),
        other_seed="--seed 1",
    ),
    Case(
        "report",
        "report nt.metrics.json nt.retrieval.json --csv t.csv --markdown t.md --latex t.tex --plots plots",
        ("report.html", "t.csv", "t.md", "t.tex", "plots/*.pdf", "plots/*.png", "plots/*.svg"),
    ),
)
"""In the order of the workflow, so that each finds the outputs of those before it."""
WITHOUT_TORCH = {"make-scenes", "prepare-captions", "leave-one-out"}
"""Cases that need no slow imports."""


def outputs(case: Case, folder: Path) -> list[Path]:
    """The files of a case that are in ``folder``."""
    return sorted(path for pattern in case.outputs for path in folder.glob(pattern))


def write_regions(folder: Path) -> None:
    """Write the region features that import-features reads, made from features.h5."""
    import h5py
    import numpy

    (folder / "regions").mkdir()
    with h5py.File(folder / "features.h5") as file:
        for id, grid in zip(file["ids"][:], file["grid"][:], strict=True):
            numpy.savez(folder / "regions" / f"{id}.npz", features=grid.astype("float32"))


PREPARATION: dict[str, Callable[[Path], None]] = {"import-features": write_regions}
"""What a case needs besides the outputs of the cases before it."""
