"""compare: metrics of several runs -> which differences are significant, and how the runs differ otherwise."""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from clcap_cli.artifacts.preconditions import JSON_FILE
from clcap_cli.console import print_info, print_result
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import InputFile
from clcap_cli.options import Argument, Option
from clcap_cli.stages.options import Seed, output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.comparisons import Comparison, MetricDifference, RunDifferences
    from clcap_cli.artifacts.results import Results
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.comparison import Difference
    from clcap_cli.evaluation.measured_setting import MeasuredSetting
    from clcap_cli.evaluation.seed_groups import SeedGroup

SHOWN_CHANGES = 3
"""Number of images shown with the largest gains, and with the largest losses."""
CHANGE_METRICS = ("CIDEr", "ROUGE_L", "METEOR", "BLEU-4")
"""Metrics by which images with gains and losses are ranked, in order of preference; the first shared one is used."""


@stage
def compare(
    metrics: Annotated[
        list[Path],
        InputFile(),
        Argument("*.metrics.json of several runs; each is compared with the first."),
    ],
    setting: Annotated[
        list[str] | None,
        Option(
            "Pattern of the names of one setting's runs, such as 'nt_{seed}' for nt_1.metrics.json and "
            "nt_2.metrics.json; repeat it for every setting.",
            default="runs that record the same settings",
            placeholder="PATTERN",
        ),
    ] = None,
    out: Annotated[Path | None, JSON_FILE, output("not written")] = None,
    seed: Seed = 0,
) -> Path | None:
    """Test which differences between runs are significant.

    Runs that differ only in their seeds form one setting; --setting groups runs that record no settings. Two p-values
    answer two questions. p over images: would the difference hold on other images, with these models? (Paired bootstrap
    with 1,000 resamples; below 50 images a sign-flip test, below 6 none.) p over seeds: would it hold with other seeds,
    on these images? (t-test over the runs of both settings, paired where the seeds are the same.) Holm's correction is
    applied to the primary metrics R@1, R@5, mean_rank and CIDEr, and separately to all others. Metrics that were
    evaluated differently, such as ranks in other pools, are shown without a test. Other differences between the runs,
    such as settings, are listed. The tables are printed; --out writes them as JSON.

    Example: clcap compare nt_1.metrics.json nt_2.metrics.json nt_1_cl.metrics.json nt_2_cl.metrics.json
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import check_writable
    from clcap_cli.artifacts.comparisons import write_comparison
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.artifacts.results import METRICS_KIND, open_results
    from clcap_cli.evaluation.setting_patterns import group_by_pattern
    from clcap_cli.metrics.bootstrap import draw_resamples

    out = out and check_writable(out, metrics)
    origin = Origin("compare", settings)
    runs = [open_results(path, METRICS_KIND) for path in metrics]
    for run in runs:
        origin.add_input("metrics", run)
    ids = _common_ids(runs)
    first, *others = group_by_pattern(runs, setting) if setting else _grouped_by_setting(runs)
    if others:
        print_info(f"resampling {len(ids)} images for {sum(len(group.runs) for group in (first, *others))} runs")
    resamples = draw_resamples(len(ids), seed)
    baseline = _measured(first, ids, resamples)
    comparisons = [_compared(first, other, ids, baseline, _measured(other, ids, resamples)) for other in others]
    if not others:
        _print_spread(first, baseline)
    if out is not None:
        write_comparison(out, ids, comparisons, origin)
    return out


def _grouped_by_setting(runs: "Sequence[Results]") -> "list[SeedGroup]":
    from clcap_cli.evaluation.seed_groups import group_by_setting
    from clcap_cli.evaluation.setting_patterns import advise_patterns

    groups = group_by_setting(runs)
    advise_patterns(groups)
    return groups


def _common_ids(runs: "Sequence[Results]") -> "list[ImageId]":
    from clcap_cli.evaluation.seed_groups import images_by_id

    for run in runs:
        if not {"tokenised", "references"} <= set().union(*_fields(run.images[0])):
            raise ClcapError(
                f"{run.path} was written by an older clcap, which did not store captions; run clcap evaluate again"
            )
        for image in run.images:
            if _fields(image) != _fields(run.images[0]):
                raise ClcapError(
                    f"{run.path} is damaged: image {image['image_id']} lacks values that other images have"
                )
    ids_of_others = [set(images_by_id(run)) for run in runs[1:]]
    ids = [id for id in images_by_id(runs[0]) if all(id in other for other in ids_of_others)]
    if len(ids) < 2:
        raise ClcapError(f"the runs have {len(ids)} images in common; at least two are needed to compare them")
    return ids


def _fields(image: "Mapping[str, Any]") -> set[frozenset[str]]:
    """The field names of an image's entry and, if it has several captions, of the entry of each caption."""
    return {frozenset(image), *map(frozenset, image.get("captions", []))}


def _measured(group: "SeedGroup", ids: "Sequence[ImageId]", resamples: Any) -> "MeasuredSetting":
    from clcap_cli.evaluation.measured_setting import measure_setting
    from clcap_cli.evaluation.stored_context import stored_context

    return measure_setting(group.images(ids), group.seeds, stored_context(group.runs[0]), resamples)


def _compared(
    first: "SeedGroup",
    other: "SeedGroup",
    ids: "Sequence[ImageId]",
    baseline: "MeasuredSetting",
    measured: "MeasuredSetting",
) -> "Comparison":
    """Compare two settings and print the result."""
    from clcap_cli.artifacts.comparisons import Comparison
    from clcap_cli.evaluation.comparability import evaluation_differences
    from clcap_cli.evaluation.comparison import compare_settings, shared_values
    from clcap_cli.metrics.seed_test import seed_test
    from clcap_cli.reporting.comparison import comparison_lines

    shared = shared_values(baseline, measured)
    evaluation = evaluation_differences(first.runs[0], other.runs[0], shared, ids)
    differences = compare_settings(baseline, measured, evaluation)
    test = seed_test(first.seeds, other.seeds)
    comparison = Comparison(
        first=first.name,
        second=other.name,
        seed_test=test.name if test else None,
        metrics={one.name: _stored(one) for one in differences},
        only_in_first=[name for name in baseline.values if name not in shared],
        only_in_second=[name for name in measured.values if name not in shared],
        run_differences=_run_differences(first, other, len(ids), evaluation),
    )
    print_result(f"first: {first.name}; second: {other.name}; {len(ids)} images, 95% intervals over images")
    for line in comparison_lines(differences, len(ids), (len(first.runs), len(other.runs)), test):
        print_result(line)
    _print_differences(comparison)
    _print_changed(first, other, ids, evaluation)
    return comparison


def _run_differences(
    first: "SeedGroup", second: "SeedGroup", common: int, evaluation: "Mapping[str, Sequence[str]]"
) -> "RunDifferences":
    """What the runs differ in; ``evaluation`` has the differences that make metrics incomparable."""
    from clcap_cli.artifacts.comparisons import RunDifferences
    from clcap_cli.artifacts.run_cards import card_differences
    from clcap_cli.evaluation.comparability import decoding_differences

    run, other = first.runs[0], second.runs[0]
    sizes = len(run.images), len(other.images)
    images = f"images: {sizes[0]} and {sizes[1]} were scored; only the {common} in common are compared here"
    return RunDifferences(
        evaluation=[f"{name}: {line}" for name, lines in evaluation.items() for line in lines],
        made_from=[
            *([images] if set(sizes) != {common} else []),
            *decoding_differences(run, other),
            *card_differences(run.made_from, other.made_from),
        ],
    )


def _print_differences(comparison: "Comparison") -> None:
    """Print what else the two settings differ in."""
    from clcap_cli.reporting.comparison import named_lines

    for which, names in (("first", comparison.only_in_first), ("second", comparison.only_in_second)):
        for line in named_lines(f"only in the {which}:", names):
            print_result(line)
    headings = {
        "not comparable, because evaluated differently": comparison.run_differences.evaluation,
        "the runs differ in": comparison.run_differences.made_from,
    }
    for heading, lines in headings.items():
        if lines:
            print_result(f"{heading}:")
            for line in lines:
                print_result(f"  {line}")


def _print_changed(
    first: "SeedGroup", other: "SeedGroup", ids: "Sequence[ImageId]", not_comparable: Container[str]
) -> None:
    """Print the images with the largest gains and losses."""
    runs, others = first.images(ids), other.images(ids)
    name = _change_metric(runs[0][0], others[0][0], not_comparable)
    if name is None:
        return
    values = [(_mean(runs, row, name), _mean(others, row, name)) for row in range(len(ids))]
    gains = [after - before for before, after in values]
    order = sorted(range(len(ids)), key=lambda row: gains[row])
    for verb, rows in (("gained", order[: -SHOWN_CHANGES - 1 : -1]), ("lost", order[:SHOWN_CHANGES])):
        rows = [row for row in rows if (gains[row] > 0) == (verb == "gained") and gains[row] != 0]
        if rows:
            print_result(f"{verb} most in {name}:")
        for row in rows:
            print_result(f"  image {ids[row]}  {values[row][0]:.3f} -> {values[row][1]:.3f}")
            print_result(f"    first   {runs[0][row]['caption']}")
            print_result(f"    second  {others[0][row]['caption']}")


def _change_metric(
    image: "Mapping[str, Any]", other: "Mapping[str, Any]", not_comparable: Container[str]
) -> str | None:
    """The first of ``CHANGE_METRICS`` that can be compared; None if there is none."""
    shared = [name for name in image if name in other and name not in not_comparable]
    names = (n for base in CHANGE_METRICS for n in shared if n == base or n.startswith(f"{base}_best_of_"))
    return next(names, None)


def _mean(runs: list[list[dict[str, Any]]], row: int, name: str) -> float:
    return sum(images[row][name] for images in runs) / len(runs)


def _print_spread(group: "SeedGroup", measured: "MeasuredSetting") -> None:
    from clcap_cli.reporting.metric_groups import metric_infos

    print_result(f"{group.name}: a single setting, so there is nothing to compare")
    width = max(map(len, measured.values))
    for info in metric_infos(measured.values):
        runs = len(measured.values[info.name])
        spread = f" ± {measured.spread(info.name):.{info.decimals}f} over {runs} seeds" if runs > 1 else ""
        print_result(f"{info.name:<{width}} {info.formatted(measured.mean(info.name)):>6}{spread}")


def _stored(difference: "Difference") -> "MetricDifference":
    from dataclasses import asdict

    from clcap_cli.artifacts.comparisons import MetricDifference

    return MetricDifference(**asdict(difference), difference=difference.difference, verdict=difference.verdict)
