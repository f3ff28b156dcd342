"""The command ``dynsweep-plot``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dynsweep.figure import FigureError, FigureSpec, draw, notes, plan, style
from dynsweep.results import load

SCALES = ("linear", "log", "symlog")

_DESCRIPTION = """\
Draws a result file of dynsweep: theory as lines, simulations as dots with error bars (mean and
standard error over seeds), an observable over two long axes as a map. What is not said here is
taken from the job's 'figure' block, then chosen from the file: the overlap (or first observable)
against time (or the longest axis), a colour for each value of the first axis left, a panel for
the next; other axes are held at their first value, and the title says so.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="dynsweep-plot", description=_DESCRIPTION)
    made.add_argument("file", type=Path, help="a result file, finished or not")
    made.add_argument(
        "-o", "--output", type=Path, help="the picture (.png, .pdf, .svg); default: FILE with .png"
    )
    made.add_argument("--x", metavar="AXIS", help="horizontal axis")
    made.add_argument("--y", metavar="OBSERVABLE", help="vertical axis; for a map: its second axis")
    made.add_argument(
        "--hue", metavar="AXIS", help="colours; 'method', 'none'; an observable makes a map of it"
    )
    made.add_argument("--panels", metavar="AXIS", help="a panel for each value; 'none' for none")
    made.add_argument("--xscale", choices=SCALES, help="default: as the axis is spaced")
    made.add_argument("--yscale", choices=SCALES)
    made.add_argument(
        "--at",
        metavar="AXIS=VALUE",
        action="append",
        default=[],
        help="hold an axis at this value instead of its first (repeatable)",
    )
    made.add_argument("--engine", choices=("h5netcdf", "netcdf4"), default="h5netcdf")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (0, or 2 for what cannot be drawn)."""
    options = parser().parse_args(arguments)
    try:
        _plot(options)
    except (FigureError, ValueError, OSError) as error:
        print(f"dynsweep-plot: {error}", file=sys.stderr)
        return 2
    return 0


def _plot(options: argparse.Namespace) -> None:
    at = {}
    for item in options.at:
        name, equals, value = item.partition("=")
        if not equals:
            raise FigureError(f"--at takes AXIS=VALUE, not {item!r}")
        at[name] = value
    spec = FigureSpec(
        options.x, options.y, options.hue, options.panels, options.xscale, options.yscale, at
    )
    output = options.output or options.file.with_suffix(".png")
    with load(options.file, engine=options.engine) as results:
        figure = draw(results, spec)
        settled = plan(results, spec.over(FigureSpec.of_job(results.job)))
        for note in notes(results, settled):
            print(f"dynsweep-plot: {note}".replace("$", "").replace("\\", ""), file=sys.stderr)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=style.DPI)
    print(output)


if __name__ == "__main__":
    sys.exit(main())
