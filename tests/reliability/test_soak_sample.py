"""A few kills of the soak test, which ``python -m tests.reliability.soak`` runs at length."""

import subprocess
import sys

SAMPLE = ("make-scenes", "prepare-captions", "leave-one-out")


def test_killed_stages_leave_whole_files_and_complete() -> None:
    stages = [word for name in SAMPLE for word in ("--stage", name)]
    command = [sys.executable, "-m", "tests.reliability.soak", "--kills", "6", *stages]
    process = subprocess.run(command, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, ""), process.stdout
    assert [line.split()[0] for line in process.stdout.splitlines()[:5]] == ["stage", *SAMPLE, "all"]
