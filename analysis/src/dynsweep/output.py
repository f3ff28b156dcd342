"""Where a command may write: never over results, over its own inputs, or on a device."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_HDF5 = b"\x89HDF\r\n\x1a\n"


def check_output(output: Path, inputs: Iterable[str | Path]) -> None:
    """Raise ValueError where writing ``output`` would destroy something."""
    if not output.exists():
        return
    if not output.is_file():
        raise ValueError(f"{output} is not a regular file; name another output with -o")
    if any(Path(one).exists() and output.samefile(one) for one in inputs):
        raise ValueError(f"{output} is an input of this command; name another output with -o")
    with output.open("rb") as stream:
        if stream.read(len(_HDF5)) == _HDF5:
            raise ValueError(f"{output} is a result file; name another output with -o")
