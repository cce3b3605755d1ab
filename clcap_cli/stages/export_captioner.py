"""export-captioner: a checkpoint -> a folder that captions without clcap."""

from pathlib import Path
from typing import Annotated

from clcap_cli.artifacts.preconditions import InputCheckpoint
from clcap_cli.options import Argument, Panel
from clcap_cli.stages.stage import flattened, stage


@stage
def export_captioner(
    checkpoint: Annotated[Path, InputCheckpoint(), Argument("Captioner (*.pt).")],
    folder: Annotated[Path, Argument("Output folder.", Panel.OUTPUT)],
) -> Path:
    """Write a captioner as a folder for other programs.

    The folder has the weights as safetensors, the configuration, the tokenizer, and a model card, README.md, with the
    captioner's metrics, training data and lineage. A captioner of Hugging Face is used with transformers; for one of
    clcap, the card has a short loader in Python that needs only PyTorch.

    Example: clcap export-captioner nt_cl.pt nt_cl
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.checkpoints import open_checkpoint
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.exporting.folder import check_folder, write_folder
    from clcap_cli.exporting.hugging_face import export_hugging_face
    from clcap_cli.exporting.own_model import export_own_model
    from clcap_cli.models.hugging_face.config import HuggingFaceConfig

    opened = open_checkpoint(checkpoint)
    origin = Origin("export-captioner", settings)
    origin.add_input("checkpoint", opened)
    check_folder(folder)
    export = export_hugging_face if isinstance(opened.config, HuggingFaceConfig) else export_own_model
    write_folder(folder, export(opened, origin), origin)
    return folder
