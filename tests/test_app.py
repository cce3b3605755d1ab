"""Properties of every command."""

import re
import shlex
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import typer

from clcap_cli.app import app
from clcap_cli.training.saved_state import open_saved_state
from tests.conftest import CLCAP

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_required_commands_exist() -> None:
    assert {"extract-features", "train-mle", "train-cl", "self-retrieve", "evaluate", "swap-reference"} < set(COMMANDS)


def test_help_imports_no_heavy_package() -> None:
    code = (
        "import sys\n"
        "from clcap_cli.__main__ import run\n"
        "for stage in ([], ['train-cl'], ['extract-features']):\n"
        "    sys.argv = ['clcap', *stage, '--help']\n"
        "    assert run() == 0\n"
        "heavy = {'torch', 'timm', 'h5py', 'pandas', 'numpy', 'matplotlib', 'transformers', 'pycocotools', 'PIL'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr.strip() == "heavy: []"


def test_training_does_not_import_the_compiler(shared_chain: Path, tmp_path: Path) -> None:
    """The compiler takes longer to import than PyTorch itself; see also optimizer.py and torch_files.py."""
    code = (
        "import sys, clcap_cli as clcap\n"
        "from pathlib import Path\n"
        "clcap.train_cl(Path(sys.argv[1]), out=Path(sys.argv[2]), k=1, epochs=1, device='cpu')\n"
        "heavy = {'torch._dynamo', 'torch._inductor', 'sympy', 'timm', 'torchvision', 'pandas', 'transformers'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, shared_chain / "nt.pt", tmp_path / "cl.pt"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.splitlines()[-1] == "heavy: []"


def test_the_version_is_printed(clcap) -> None:
    assert clcap("--version").out == "0.1.0\n"


def test_a_traceback_is_shown_only_with_debug(tmp_path: Path) -> None:
    plain = subprocess.run([*CLCAP, "show", "none.pt"], capture_output=True, text=True)
    assert plain.stderr == "error: no such file: none.pt\n"
    debug = subprocess.run([*CLCAP, "--debug", "show", "none.pt"], capture_output=True, text=True)
    assert "Traceback" in debug.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_an_interrupted_stage_leaves_old_files_unchanged(chain: Path) -> None:
    (chain / "nt.reference.h5").unlink()  # train-cl adds to it
    before = contents(chain)
    words = [*CLCAP, "train-cl", "--ref", str(chain / "nt.pt"), "--epochs", "10000", "--patience", "10000"]
    running = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Background jobs of a shell, such as these tests, ignore Ctrl-C, and their children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.lstrip().startswith("2/10000 "):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert out == ""
    state = chain / "nt_cl.state.pt"
    last = err.splitlines()[-1]
    place, command = last.split(f", saved in {state}; continue with: ")
    assert re.fullmatch(r"interrupted at epoch \d\S* \(step \d+\)", place)
    assert command == shlex.join(["clcap", *words[len(CLCAP) :], "--resume"]) == open_saved_state(state).continue_with
    assert before.items() <= contents(chain).items()


def test_a_stage_in_the_background_can_be_terminated(chain: Path) -> None:
    (chain / "nt.reference.h5").unlink()  # train-cl adds to it
    before = contents(chain)
    train = shlex.join([*CLCAP, "train-cl", "--ref", str(chain / "nt.pt"), "--epochs", "10000", "--patience", "10000"])
    messages = shlex.quote(str(chain / "messages"))
    until_it_trains = f"until grep -q '^ *1/' {messages}; do kill -0 $child || exit 1; sleep 0.1; done"
    script = f"{train} 2>{messages} & child=$!; {until_it_trains}; kill $child; wait $child"
    assert subprocess.run(["sh", "-c", script]).returncode == 143, (chain / "messages").read_text()
    assert before.items() <= contents(chain).items()


def test_too_little_memory_gives_one_line(error_of, chain: Path) -> None:
    train = ["train-mle", chain / "captions.h5", chain / "features.h5", "--hidden", 10_000_000, "--out", chain / "x.pt"]
    assert error_of(*train).startswith("not enough memory; smaller models and batches")
    assert not (chain / "x.pt").exists()
