"""report: metrics of one or more models -> an HTML page, and tables and plots for a paper."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from clcap_cli.artifacts.preconditions import CSV_FILE, LATEX_FILE, MARKDOWN_FILE, PAGE_FILE
from clcap_cli.console import as_rich_text, print_info, print_warning, stdout
from clcap_cli.errors import InvalidValueError
from clcap_cli.input_files import InputFile, InputFolderOrTar
from clcap_cli.options import Argument, Option, Panel
from clcap_cli.reporting.tables.intervals import Intervals
from clcap_cli.stages.options import output
from clcap_cli.stages.stage import stage

if TYPE_CHECKING:
    from clcap_cli.datasets.records import ImageId
    from clcap_cli.evaluation.runs import Run
    from clcap_cli.reporting.experiments import Experiments
    from clcap_cli.reporting.image_sources import ImageSources
    from clcap_cli.reporting.reported_comparison import ReportedComparison
    from clcap_cli.reporting.tables.columns import ReportTables
    from clcap_cli.reporting.tables.table import Table


@stage
def report(
    files: Annotated[
        list[Path],
        InputFile(),
        Argument("*.metrics.json, *.retrieval.json, *.log.jsonl and *.attention.h5 of one or more runs."),
    ],
    out: Annotated[Path | None, PAGE_FILE, output("report.html beside the first file; none with --text")] = None,
    images: Annotated[
        list[Path] | None,
        InputFolderOrTar(),
        Option("Folder or tar archive of image files.", default="those given to extract-features"),
    ] = None,
    tables: Annotated[
        Path | None, InputFile(), Option("JSON file that defines tables of means over seeds.", default="none")
    ] = None,
    baseline: Annotated[
        str | None,
        Option(
            "Run, setting or row of --tables that all others are compared with.",
            default="the first in the report, except human captions",
            placeholder="NAME",
        ),
    ] = None,
    text: Annotated[
        bool, Option("Print the metrics table; write a page only if --out is given.", Panel.OUTPUT, name="--text")
    ] = False,
    csv: Annotated[
        Path | None,
        CSV_FILE,
        Option("CSV file for the metrics of runs and their means over seeds.", Panel.OUTPUT, "not written"),
    ] = None,
    markdown: Annotated[
        Path | None, MARKDOWN_FILE, Option("Markdown file for all tables.", Panel.OUTPUT, "not written")
    ] = None,
    latex: Annotated[
        Path | None, LATEX_FILE, Option("LaTeX file for the tables of a paper.", Panel.OUTPUT, "not written")
    ] = None,
    columns: Annotated[
        str | None,
        Option(
            "Metrics in the tables of all formats, in this order, such as R@1,R@5,CIDEr; 'all' for every metric.",
            Panel.OUTPUT,
            "all; in LaTeX, the metrics that papers print",
            placeholder="NAMES",
        ),
    ] = None,
    intervals: Annotated[
        Intervals | None,
        Option(
            "Uncertainty in LaTeX tables: none; below, the 95% confidence interval in a second line; or pm, ± half its "
            "width. Means over seeds have their standard deviation instead.",
            Panel.OUTPUT,
            "pm for means over seeds, none for runs",
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        Option("Folder for the plots, as PDF, PNG and SVG.", Panel.OUTPUT, "not written", placeholder="FOLDER"),
    ] = None,
) -> Path | None:
    """Show the results of runs on one HTML page.

    The page has the metrics, curves and captions of one or more runs. Files with the same stem, such as
    nt_cl.metrics.json and nt_cl.retrieval.json, form one run; its training log and the attention of its captions
    (caption --attention) are found in the same folder. Runs are compared with the baseline as by clcap compare, which
    decides what tables mark. A run is listed after the run that it was trained from, which files record; without a
    record, nt_cl is listed after nt.

    If a model ranked the captions of another (self-retrieve --ranker), further tables show R@1, R@5 and the mean rank
    of all captions under all rankers.

    --tables takes a list of tables such as {"name": "main", "title": "MLE and CL", "metrics": ["R@1", "CIDEr"], "rows":
    {"MLE": "nt_{seed}", "CL": "nt_{seed}_cl"}}. Each row shows the mean and the standard deviation over the runs whose
    name matches, where {seed} stands for digits. Curves, plots and captions are those of the first run of each row.

    Example: clcap report *.metrics.json *.retrieval.json --out report.html
    """
    from clcap_cli.artifacts.atomic import (
        all_or_nothing,
        check_writable_folder,
        remove_new_folders_of,
        write_text,
    )
    from clcap_cli.artifacts.attention import SUFFIX
    from clcap_cli.evaluation.run_measurer import RunMeasurer
    from clcap_cli.reporting.cross_ranking import EXPLANATION, cross_ranking_tables, without_cross_rankings
    from clcap_cli.reporting.experiments import Experiments, open_experiments
    from clcap_cli.reporting.page.paper_command import paper_command
    from clcap_cli.reporting.reported_comparison import compare_reported
    from clcap_cli.reporting.reported_runs import open_reported_runs
    from clcap_cli.reporting.setting_tables import setting_tables
    from clcap_cli.reporting.tables.columns import ReportTables, column_names
    from clcap_cli.reporting.tables.csv import as_csv
    from clcap_cli.reporting.tables.latex import as_latex
    from clcap_cli.reporting.tables.table import run_tables

    _check_formats(columns, text or any((csv, markdown, latex)), intervals, latex)
    given_attention = [path for path in files if path.name.endswith(SUFFIX)]
    all_runs = open_reported_runs([path for path in files if path not in given_attention])
    runs, crossed = without_cross_rankings(all_runs), cross_ranking_tables(all_runs)
    page = None if text and out is None else out or files[0].with_name("report.html")
    _check_outputs(page, [csv, markdown, latex], [*files, *([tables] if tables else [])])
    if plots:
        remove_new_folders_of(plots / "plot.png")
        check_writable_folder(plots, (".pdf", ".png", ".svg"))
    names = column_names(columns, [metric for table in run_tables(all_runs) for metric in table.metrics])
    measurer = RunMeasurer()
    experiments = (
        open_experiments(tables, all_runs, baseline, measurer) if tables else Experiments([], runs, [], baseline)
    )
    paths = {run.path for run in runs}
    experiments = replace(experiments, examples=[run for run in experiments.examples if run.path in paths])
    comparison = compare_reported(runs, experiments.baseline, measurer)
    means = [] if experiments.tables else setting_tables(comparison.compared)
    found = ReportTables(experiments.tables, crossed, means, run_tables(runs, comparison.compared))
    chosen = found.select(names)
    printed = chosen if names else found.without_images() if columns else found.of_paper_metrics()
    contents = (
        (csv, lambda: as_csv(all_runs, names, experiments.rows or _seeds(comparison))),
        (markdown, lambda: _markdown(chosen, comparison, names)),
        (latex, lambda: as_latex(printed.main, intervals)),
    )
    command = paper_command(files, tables, baseline)
    for warning in comparison.warnings:
        print_warning(warning)
    for sentence in experiments.messages:
        print_info(sentence)
    if crossed:
        print_info(EXPLANATION)
    with all_or_nothing():
        for path, content in contents:
            if path is not None:
                write_text(path, content())
        if plots is not None:
            _save_plots(experiments.examples, plots)
        if page is not None:
            write_text(page, _page(runs, crossed, experiments, comparison, images or [], given_attention, command))
    if text:
        _print(chosen)
    if page is not None:
        print_info(f"open {page} in a browser; it has {page.stat().st_size / 2**20:.1f} MiB")
    return page


def _check_outputs(page: Path | None, others: list[Path | None], inputs: list[Path]) -> None:
    """Raise ClcapError for outputs that cannot be written, before the work."""
    from clcap_cli.artifacts.atomic import check_writable

    if page:
        PAGE_FILE.check(page)
    outputs = [path for path in (page, *others) if path]
    for number, path in enumerate(outputs):
        check_writable(path, inputs, outputs[:number])


def _seeds(comparison: "ReportedComparison") -> "dict[str, list[Run]]":
    """The runs of each setting by the pattern of their names."""
    settings = comparison.compared.settings if comparison.compared else []
    return {setting.group.pattern: setting.group.runs for setting in settings}


def _check_formats(columns: str | None, any_table: bool, intervals: str | None, latex: Path | None) -> None:
    if columns and not any_table:
        raise InvalidValueError("columns", "needs --text, --csv, --markdown or --latex; the page shows all metrics")
    if intervals and latex is None:
        raise InvalidValueError("intervals", "needs --latex; the other formats show intervals whole")


def _markdown(tables: "ReportTables", comparison: "ReportedComparison", names: "list[str] | None") -> str:
    from clcap_cli.reporting.tables.comparison_markdown import comparisons_as_markdown
    from clcap_cli.reporting.tables.markdown import as_markdown

    comparisons = comparison.compared.comparisons if comparison.compared else []
    return "\n".join(
        [as_markdown(tables.every), *([comparisons_as_markdown(comparisons, names)] if comparisons else [])]
    )


def _print(tables: "ReportTables") -> None:
    from clcap_cli.reporting.tables.columns import joined
    from clcap_cli.reporting.tables.terminal import as_text

    console = stdout()
    settings = [(joined(tables.settings).heading, tables.settings)] if tables.settings else []
    single = [(table.heading, [table]) for table in (*tables.defined, *tables.crossed)]
    for heading, found in [*settings, *single]:
        console.print(as_rich_text(" ".join(heading.split())))
        console.print(as_text(found))
    if tables.runs:
        console.print(as_text(tables.runs))


def _save_plots(runs: "list[Run]", folder: Path) -> None:
    from clcap_cli.reporting.plot_files import save_plot
    from clcap_cli.reporting.plots import all_plots

    drawn = all_plots(runs)
    for plot in drawn:
        save_plot(plot, folder)
    print_info(f"saved {len(drawn)} plots to {folder}, each as PDF, PNG and SVG")


def _page(
    runs: "list[Run]",
    crossed: "list[Table]",
    experiments: "Experiments",
    comparison: "ReportedComparison",
    image_folders: list[Path],
    given_attention: list[Path],
    command: str,
) -> str:
    from clcap_cli.reporting.attention import find_attention
    from clcap_cli.reporting.image_sources import trace_image_sources
    from clcap_cli.reporting.page.render import render
    from clcap_cli.reporting.plots import all_plots

    shown = experiments.examples
    image_sources = trace_image_sources(shown)
    attention = find_attention(shown, given_attention)
    for sentence in attention.messages:
        print_info(sentence)
    pictures = _pictures(shown, image_sources, image_folders)
    return render(
        runs,
        all_plots(shown),
        image_sources,
        pictures,
        experiments,
        crossed,
        attention.by_run,
        comparison.compared,
        comparison.warnings,
        command,
    )


def _pictures(runs: "list[Run]", image_sources: "ImageSources", image_folders: list[Path]) -> "dict[ImageId, str]":
    """Thumbnails of all images whose files are found; the number of missing images is printed."""
    from clcap_cli.reporting.image_sources import find_image_files, where_missing
    from clcap_cli.reporting.thumbnails import thumbnails

    ids = list(dict.fromkeys(id for run in runs for id in run.images))
    files = find_image_files(ids, image_sources.names, image_folders or image_sources.folders)
    missing = [image_sources.names.get(id, id) for id in ids if id not in files]
    if missing:
        where = where_missing(image_sources, image_folders)
        print_info(f"{len(missing)} of {len(ids)} images (the first: {missing[0]}) are not {where}")
    return thumbnails(files)
