"""A run of extract-features on disk: started from the beginning, resumed, or finished before."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from clcap_cli.artifacts.atomic import check_writable
from clcap_cli.artifacts.captions import Captions
from clcap_cli.artifacts.feature_info import BackboneInfo
from clcap_cli.artifacts.feature_shards import ShardedRows
from clcap_cli.artifacts.features import KIND as FEATURES_KIND
from clcap_cli.artifacts.features import Features
from clcap_cli.artifacts.features_growth import earlier_features, extended_features
from clcap_cli.artifacts.partial_features import PartialFeatures, create_partial, open_partial
from clcap_cli.artifacts.partial_record import (
    KIND,
    Extraction,
    PartialRecord,
    partial_path,
    read_record,
    record_path,
    remove_partial,
)
from clcap_cli.artifacts.provenance import Origin
from clcap_cli.compute.settings import ComputeSettings
from clcap_cli.console import print_always, print_info, print_warning
from clcap_cli.continuing import continuing_command, other_run_error, print_nothing_to_resume
from clcap_cli.datasets.records import ImageId
from clcap_cli.errors import ClcapError, first_few
from clcap_cli.features.backbone_options import as_options
from clcap_cli.features.reusable_rows import ReusableRows
from clcap_cli.interruption import INTERRUPTION

REFUSED = "models made from it will not accept the new features"


class ExtractionRun:
    """The run that writes a features file, with what an earlier run left of it."""

    def __init__(self, out: Path, captions: Captions, names: Mapping[ImageId, str], origin: Origin, resume: bool):
        """Look for a partial file and for an earlier features file; ``names`` are the images that ``out`` will have.

        Raises ClcapError if there is a partial file but ``resume`` is not given.
        """
        self.out, self.captions, self.names, self.origin, self.resume = out, captions, names, origin, resume
        self.path = partial_path(out)
        check_writable(record_path(out))
        self.record = read_record(out)
        self.earlier = earlier_features(out)
        """The features file that will be replaced; None if there is none that can be read."""
        if self.record and self.earlier and _is_left_by(self.earlier, self.record):
            remove_partial(out)
            self.record = None
        if self.record and not resume:
            raise ClcapError(
                f"{self.path} has the features of an interrupted run; continue it with --resume, or delete the file to "
                "start from the beginning"
            )

    def compute_settings(self, given: ComputeSettings) -> ComputeSettings:
        """The device and number of threads with which a resumed run started, unless others are given."""
        if self.record is None:
            return given
        device = self.record.device if given.device == "auto" else given.device
        return replace(given, device=device, threads=given.threads or self.record.threads)

    def is_finished(self, info: BackboneInfo) -> bool:
        """Whether ``--resume`` was given for a run that is complete."""
        earlier = self.earlier
        if not self.resume or earlier is None or self.record is not None or earlier.backbone.differences(info):
            return False
        recorded = earlier.provenance.input("captions")
        return recorded is not None and recorded.id == self.captions.provenance.id

    @property
    def mebibytes_on_disk(self) -> float:
        """Space that the partial file takes already."""
        return self.path.stat().st_blocks * 512 / 2**20 if self.record else 0.0

    def has_earlier_rows(self, info: BackboneInfo) -> bool:
        """Whether there are rows of an earlier or of an interrupted run."""
        return self.record is not None or self.usable_earlier(info) is not None

    def report_kept(self, partial: PartialFeatures) -> None:
        """Say after how many images an interrupted run is continued."""
        if self.record is None:
            return
        total = len(self.names)
        print_info(f"continuing from {self.path}: after {len(partial.ids):,} of {total:,} images")
        if len(partial.ids) < total and any(partial.next_image_digests(1)[0]):
            print_info("its further features are computed again: an image file has changed, or a row is damaged")

    def reusable_rows(self, info: BackboneInfo, images: Mapping[ImageId, bytes]) -> ReusableRows | None:
        """The rows of the earlier file that are of the same images and the backbone ``info``, with a message."""
        earlier = self.usable_earlier(info)
        if earlier is None:
            self._explain_unusable(info)
            return None
        reusable = ReusableRows(earlier, images)
        print_info(
            f"{len(reusable.rows):,} of {len(self.names):,} images are already in {self.out}, made from "
            "the same image files"
        )
        if reusable.changed:
            print_info(f"image files that have changed since: {first_few(reusable.changed)}")
        if reusable.damaged:
            print_warning(f"{self.out}: damaged features are computed again: {first_few(reusable.damaged)}")
        return reusable

    def _explain_unusable(self, info: BackboneInfo) -> None:
        """Say why the features of the earlier file are not reused, if there is one."""
        if self.earlier is None:
            return
        backbone = self.earlier.backbone
        if not backbone.differences(info):
            reason = "it was written by an earlier version, without digests of the image files"
        elif isinstance(backbone, BackboneInfo):
            reason = f"it was made with {'; '.join(as_options(backbone, info))}; {REFUSED}"
        else:
            reason = f"it was {backbone.description}; {REFUSED}"
        print_info(f"no features of the earlier {self.out} are reused: {reason}")

    def usable_earlier(self, info: BackboneInfo) -> Features | None:
        """The earlier file if its rows can be reused."""
        earlier = self.earlier
        if earlier is None or earlier.backbone.differences(info) or earlier.image_digests is None:
            return None
        return earlier

    def open_partial(self, info: BackboneInfo, device: torch.device) -> PartialFeatures:
        """The partial file of the interrupted run, or a new one.

        Raises ClcapError if the interrupted run had other settings or inputs.
        """
        earlier = self.usable_earlier(info)
        now = Extraction(
            provenance=self.origin.make_provenance(KIND, self.captions.provenance.id, self.path),
            backbone=info,
            images=len(self.names),
            reused=earlier.provenance.id if earlier else None,
            device=device.type,
            threads=torch.get_num_threads(),
        )
        if self.record is None:
            if self.resume:
                print_nothing_to_resume(self.path)
            return create_partial(self.out, now)
        if differences := list(_differences(self.record, now)):
            raise other_run_error(self.path, differences)
        return open_partial(self.out, self.record)

    @contextmanager
    def reporting(self, partial: PartialFeatures) -> Iterator[None]:
        """If the block is stopped by a signal or an error, say what is kept and how to continue."""
        try:
            yield
        except (ClcapError, KeyboardInterrupt) as error:
            if self.path.exists() and (partial.has_new_rows or not partial.is_new):
                stopped = "interrupted" if isinstance(error, KeyboardInterrupt) else "stopped"
                place = f" after {len(partial.ids):,} of {partial.record.images:,} images, saved in {self.path}"
                place = place if partial.has_new_rows else f"; {self.path} is as it was before"
                print_always(f"{stopped}{place}; continue with: {continuing_command(self.origin.stage)}")
                INTERRUPTION.is_reported = True
            raise

    def finish(self, partial: PartialFeatures) -> None:
        """Write the features file from the complete partial file."""
        provenance = self.origin.make_provenance(FEATURES_KIND, "", self.out)
        extends = extended_features(self.earlier, dict(zip(partial.ids, partial.row_digests, strict=True)))
        partial.finish(self.names, provenance.model_copy(update={"extends": extends}))
        if self.earlier is not None and isinstance(self.earlier.pooled, ShardedRows):
            print_info(f"the shards of the earlier index are no longer needed: {first_few(self.earlier.pooled.names)}")


def _is_left_by(finished: Features, record: PartialRecord) -> bool:
    """Whether the run that wrote ``finished`` was killed before it removed its partial file with this ``record``."""
    return (
        finished.provenance.id != record.reused
        and not record.backbone.differences(finished.backbone)
        and finished.provenance.input("captions") == record.provenance.input("captions")
    )


def _differences(before: Extraction, now: Extraction) -> Iterable[str]:
    captions = before.provenance.input("captions"), now.provenance.input("captions")
    if captions[0] and captions[1] and captions[0].id != captions[1].id:
        yield f"captions {captions[0].path} with id {captions[0].id}, here {captions[1].path} with id {captions[1].id}"
    yield from as_options(before.backbone, now.backbone)
    for name, words in (("reused", "reused features of id"), ("device", "--device"), ("threads", "--threads")):
        if getattr(before, name) != getattr(now, name):
            yield f"{words} {getattr(before, name)}, here {words} {getattr(now, name)}"
