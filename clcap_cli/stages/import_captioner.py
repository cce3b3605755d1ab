"""import-captioner: a pretrained captioner of Hugging Face + captions.h5 -> a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Le

from clcap_cli.artifacts.preconditions import CAPTIONS, CHECKPOINT_FILE
from clcap_cli.console import print_info
from clcap_cli.datasets.text import MAX_WORDS
from clcap_cli.models.settings import MAX_LENGTH_HELP
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.hugging_face.importing import ImportedCaptioner
    from clcap_cli.tokenizers.hugging_face import HuggingFaceTokenizer
    from clcap_cli.tokenizers.tokenizer import EncodedCaptions


@stage
def import_captioner(
    folder: Annotated[str, Argument("Folder of a captioner of Hugging Face, or its name on the hub.")],
    captions: Annotated[Path, CAPTIONS, Option("captions.h5 of the images that the captioner is for.")],
    out: Annotated[Path | None, CHECKPOINT_FILE, output("named after the folder, such as blip-base.pt")] = None,
    prompt: Annotated[
        str | None,
        Option("Text that every caption continues, such as 'a photo of'.", Panel.MODEL, "none", placeholder="TEXT"),
    ] = None,
    max_length: Annotated[
        int | None,
        Ge(1),
        Le(MAX_WORDS),
        Option(MAX_LENGTH_HELP, Panel.MODEL, "that of captions.h5, as far as the model has positions"),
    ] = None,
) -> Path:
    """Import a pretrained captioner of Hugging Face.

    The folder is one of VisionEncoderDecoder (such as ViT-GPT2), BLIP or GIT, with weights, tokenizer and image
    processor. The checkpoint holds the text part, the image encoder and the tokenizer. The log-probability of a caption
    is compared with the one that transformers computes.

    Example: clcap import-captioner blip-image-captioning-base/ --captions captions.h5 --out blip.pt
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.captions import open_captions
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.hugging_face.folder import check_folder, find_folder

    captions_h5, found = open_captions(captions), find_folder(folder)
    check_folder(found)
    origin = Origin("import-captioner", settings)
    origin.add_input("captions", captions_h5)
    origin.add_input_file("pretrained model", found)
    out = check_writable(out or Path(f"{Path(folder).resolve().name}.pt"), origin.input_paths)
    from clcap_cli.artifacts.checkpoints import Lineage, write_checkpoint  # with PyTorch, which takes seconds to import
    from clcap_cli.features.saved_encoder import as_saved
    from clcap_cli.hugging_face.agreement import check_agreement
    from clcap_cli.hugging_face.importing import caption_tokenizer, most_tokens, split_captioner
    from clcap_cli.hugging_face.pretrained import open_pretrained

    pretrained = open_pretrained(found)
    tokenizer = caption_tokenizer(pretrained, prompt or "")
    encoded = captions_h5.encoded_with(tokenizer)
    longest = max_length or min(encoded.longest, most_tokens(pretrained, tokenizer))
    imported = split_captioner(pretrained, tokenizer, longest)
    check_agreement(pretrained, imported, encoded.tokens[0, : min(encoded.lengths[0], longest)].tolist())
    for line in _description(pretrained.family, imported, tokenizer, encoded):
        print_info(line)
    record: dict[str, Any] = {"imported": folder, "prompt": tokenizer.format.prompt}
    write_checkpoint(
        out,
        pretrained.family,
        imported.captioner,
        tokenizer,
        imported.backbone.info,
        record,
        Lineage(),
        origin,
        as_saved(imported.encoder),
    )
    return out


def _description(
    family: str, imported: "ImportedCaptioner", tokenizer: "HuggingFaceTokenizer", encoded: "EncodedCaptions"
) -> list[str]:
    """What was imported, and how its tokenizer fits the captions."""
    parts = imported.captioner, imported.encoder
    text, image = (sum(parameter.numel() for parameter in part.parameters()) for part in parts)
    info, longest = imported.backbone.info, imported.captioner.config.max_length
    cut, unknown = int((encoded.lengths > longest).sum()), 0
    if tokenizer.unknown is not None:
        unknown = int((encoded.tokens == tokenizer.unknown).sum())
    prompt = f", prompt '{tokenizer.format.prompt}'" if tokenizer.format.prompt else ""
    return [
        f"{family}: {text:,} parameters of the text part, {image:,} of the image encoder",
        f"{info.regions} image tokens of {info.grid_channels} at {info.image_size} pixels; "
        f"{tokenizer.size:,} tokens of text{prompt}",
        f"{unknown / max(1, int(encoded.lengths.sum())):.1%} of the captions' tokens are unknown; {cut} of "
        f"{len(encoded.lengths)} captions are cut at {longest} tokens",
        "ln p of a caption is that of transformers",
    ]
