"""Runs Snakemake in processes forked from one that has already imported it, which halves the time of a dry run."""

import multiprocessing
import os
from pathlib import Path
from subprocess import CompletedProcess

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["pytest", "snakemake.cli", "clcap_cli.objectives.registry", "tests.pipelines"])


def run_snakemake(words: list[str], folder: Path, environment: dict[str, str]) -> CompletedProcess:
    """Run Snakemake in ``folder``; the result has stdout and stderr together."""
    output = folder / "snakemake.output"
    process = SERVER.Process(target=_main, args=(words, folder, environment, output))
    process.start()
    process.join()
    return CompletedProcess(words, process.exitcode or 0, output.read_text(encoding="utf-8"))


def _main(words: list[str], folder: Path, environment: dict[str, str], output: Path) -> None:
    from snakemake.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with output.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    main(words)
