"""compare: metrics of several runs -> which differences are significant, and how the runs differ otherwise."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from clcap_cli.artifacts.preconditions import COMPARISON_FILE, LATEX_FILE, MARKDOWN_FILE
from clcap_cli.console import print_result, print_warning
from clcap_cli.errors import ClcapError
from clcap_cli.input_files import InputFile
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.stages.options import Seed, output
from clcap_cli.stages.stage import flattened, stage

if TYPE_CHECKING:
    from clcap_cli.artifacts.comparisons import Comparison
    from clcap_cli.evaluation.compared_runs import ComparedRuns, ComparedSetting

FEWEST_RESAMPLES, MOST_RESAMPLES = 100, 100_000
"""Fewest resamples that give a useful 95% interval, and most: their weights take 0.5 GB for 5,000 images."""


@stage
def compare(
    metrics: Annotated[
        list[Path],
        InputFile(),
        Argument("*.metrics.json and *.retrieval.json of several runs."),
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
    baseline: Annotated[
        str | None,
        Option(
            "Run or setting that all others are compared with.",
            default="the first, except human captions",
            placeholder="NAME",
        ),
    ] = None,
    out: Annotated[Path | None, COMPARISON_FILE, output("not written")] = None,
    markdown: Annotated[
        Path | None, MARKDOWN_FILE, Option("Markdown file for the tables of all metrics.", Panel.OUTPUT, "not written")
    ] = None,
    latex: Annotated[
        Path | None, LATEX_FILE, Option("LaTeX file for the tables of a paper.", Panel.OUTPUT, "not written")
    ] = None,
    resamples: Annotated[
        int,
        Ge(FEWEST_RESAMPLES),
        Le(MOST_RESAMPLES),
        Option("Number of resamples of the images.", Panel.COMPUTATION),
    ] = 1000,
    seed: Seed = 0,
) -> Path | None:
    """Test which differences between runs are significant.

    Runs that differ only in their seeds form one setting; --setting groups runs that record no settings. Two p-values
    answer two questions. p over images: would the difference hold on other images, with these models? (Paired bootstrap
    with --resamples; if fewer than 50 images differ, a sign-flip test; below 6 images, none.) p over seeds: would
    it hold with other seeds, on these images? (t-test over the runs of both settings, paired where the seeds are the
    same.) Holm's correction counts the primary metrics R@1, R@5, mean_rank and CIDEr of all settings, and separately
    all other metrics. Metrics that were evaluated differently, such as ranks in other pools, are shown without a test.
    Other differences between the runs, such as settings, are listed. The tables are printed; --out, --markdown and
    --latex write them.

    Example: clcap compare nt_1.metrics.json nt_2.metrics.json nt_1_cl.metrics.json nt_2_cl.metrics.json
    """
    settings = flattened(locals())
    from clcap_cli.artifacts.atomic import all_or_nothing, check_writable, write_text
    from clcap_cli.artifacts.comparisons import write_comparison
    from clcap_cli.artifacts.provenance import Origin
    from clcap_cli.evaluation.comparability_warnings import estimate_warnings
    from clcap_cli.evaluation.compared_runs import compare_runs
    from clcap_cli.evaluation.run_measurer import RunMeasurer
    from clcap_cli.evaluation.runs import open_runs
    from clcap_cli.evaluation.setting_patterns import advise_patterns
    from clcap_cli.evaluation.setting_words import as_records
    from clcap_cli.reporting.marks import has_other_images
    from clcap_cli.reporting.tables.comparison_latex import comparisons_as_latex
    from clcap_cli.reporting.tables.comparison_markdown import comparisons_as_markdown
    from clcap_cli.reporting.tables.images_of import images_of

    outputs = [path for path in (out, markdown, latex) if path]
    for number, path in enumerate(outputs):
        check_writable(path, metrics, outputs[:number])
    origin = Origin("compare", settings)
    runs = open_runs(metrics)
    for warning in estimate_warnings(runs):
        print_warning(warning)
    for source in (source for run in runs for source in run.sources):
        origin.add_input("metrics", source)
    compared = compare_runs(runs, setting, baseline, RunMeasurer(seed, resamples))
    if not setting:
        advise_patterns(runs)
    if not compared.comparisons and (markdown or latex):
        raise ClcapError(f"{compared.baseline.name} is the only setting, so there is no table of differences to write")
    _print(compared)
    with all_or_nothing():
        if out is not None:
            names = [setting.name for setting in compared.systems]
            differing = as_records(compared.differing_settings, names)
            write_comparison(out, compared.ids, compared.comparisons, differing, origin)
        if markdown is not None:
            write_text(markdown, comparisons_as_markdown(compared.comparisons))
        if latex is not None:
            images = f"{compared.images} images in common" if has_other_images(compared) else images_of(runs)
            write_text(latex, comparisons_as_latex(compared.comparisons, images, compared.images))
    return out


def _print(compared: "ComparedRuns") -> None:
    from clcap_cli.reporting.comparison import legend_lines
    from clcap_cli.reporting.overview import overview_lines

    baseline, *others = compared.settings
    if not others:
        _print_spread(baseline)
    if len(others) > 1:
        for line in overview_lines(compared):
            print_result(line)
    for number, (other, comparison) in enumerate(zip(others, compared.comparisons, strict=True)):
        legend = legend_lines(compared.comparisons) if number == 0 else []
        _print_comparison(compared, other, comparison, legend)


def _print_comparison(
    compared: "ComparedRuns", other: "ComparedSetting", comparison: "Comparison", legend: Sequence[str]
) -> None:
    from clcap_cli.reporting.comparison import comparison_lines, note_lines, wrapped

    title = f"{other.name} against {compared.baseline.name}: {compared.images} images, 95% intervals over images"
    runs = len(compared.baseline.runs), len(other.runs)
    notes = note_lines(comparison, compared.images, runs)
    for line in [*wrapped(title), *comparison_lines(comparison), *legend, *notes]:
        print_result(line)
    _print_differences(comparison)
    _print_changes(compared, other, comparison)


def _print_differences(comparison: "Comparison") -> None:
    """Print what else the two settings differ in."""
    from clcap_cli.reporting.comparison import named_lines

    only = {comparison.first: comparison.only_in_first, comparison.second: comparison.only_in_second}
    for setting, names in only.items():
        for line in named_lines(f"only {setting} has", names):
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


def _print_changes(compared: "ComparedRuns", other: "ComparedSetting", comparison: "Comparison") -> None:
    """Print the images with the largest gains and losses."""
    from clcap_cli.evaluation.largest_changes import largest_changes

    apart = {name for name, found in comparison.metrics.items() if not found.comparable}
    changes = largest_changes(compared.baseline.group, other.group, compared.ids, apart)
    if changes is None:
        return
    names = compared.baseline.group.pattern, other.group.pattern
    width = max(map(len, names))
    for verb, images in (("gained", changes.gained), ("lost", changes.lost)):
        if images:
            print_result(f"{verb} most in {changes.metric}:")
        for image in images:
            print_result(f"  image {image.id}  {image.values[0]:.3f} -> {image.values[1]:.3f}")
            for name, caption in zip(names, image.captions, strict=True):
                print_result(f"    {name:<{width}}  {caption}")


def _print_spread(setting: "ComparedSetting") -> None:
    from clcap_cli.reporting.metric_groups import metric_infos

    print_result(f"{setting.name}: a single setting, so there is nothing to compare; give files of other runs too")
    width = max(map(len, setting.values))
    runs = len(setting.runs)
    for info in metric_infos(setting.values):
        spread = f" ± {setting.spread(info.name):.{info.decimals}f} over {runs} seeds" if runs > 1 else ""
        print_result(f"{info.name:<{width}} {info.formatted(setting.mean(info.name)):>6}{spread}")
