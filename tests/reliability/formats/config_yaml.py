"""Configuration files of ``--config``."""

from pathlib import Path

from tests.reliability.foreign_seeds import numbered
from tests.reliability.fuzzing import Format

CONTENT = b"""# settings
epochs: 10
lr: 1.0e-3
model: transformer
model-option: [layers=2, heads=2]
out: "a.pt"
precision: auto
"""


def read(path: Path) -> None:
    """Read the options, and check them as train-mle does."""
    from clcap_cli.command_line.config_file import _content
    from clcap_cli.errors import ClcapError, InvalidValueError
    from clcap_cli.stages.train_mle import train_mle

    known = {one.name: one for one in train_mle.parameters}
    for name, value in _content(path).items():
        if name.replace("-", "_") in known:
            try:
                known[name.replace("-", "_")].checked(value)
            except InvalidValueError as error:
                raise ClcapError(str(error)) from error


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
TOKENS = (
    BOMB,
    b"!!python/object/apply:os.system [id]",
    b"&a",
    b"*a",
    b"<<: *a",
    b"- ",
    b": ",
    b"[" * 2000,
    b"? ",
    b"|\n",
)
NUMBERS = (b"1" * 5000, b"0x" + b"f" * 400, b".nan", b".inf", b"1e400", b"2026-99-99", b"190:20:30", b"\0", b"\x1b[0m")
FORMAT = Format("config_yaml", "config.yaml", read, numbered([CONTENT]), tokens=(*TOKENS, *NUMBERS))
