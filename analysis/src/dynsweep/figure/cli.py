"""The command ``dynsweep-plot``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from dynsweep.figure import FigureError, FigureSpec, draw_on, notes, style
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.live import Writers
from dynsweep.output import check_output
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
    made.add_argument("file", nargs="+", help="a result file, finished or not; several are joined")
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
    made.add_argument("--methods", metavar="NAME", nargs="+", default=[], help="only these methods")
    made.add_argument(
        "--xline",
        metavar="VALUE",
        type=float,
        action="append",
        default=[],
        help="a reference line at this value of the horizontal axis (repeatable)",
    )
    made.add_argument("--yline", metavar="VALUE", type=float, action="append", default=[])
    made.add_argument(
        "--trajectories",
        action="store_true",
        help="every run as a thin line; --x may be an observable: a portrait of the plane of both",
    )
    made.add_argument(
        "--live",
        action="store_true",
        help="draw again whenever the run has published more, until it is complete",
    )
    made.add_argument(
        "--every", metavar="SECONDS", type=float, default=2, help="how often --live looks"
    )
    made.add_argument(
        "--job",
        metavar="JOB.yaml",
        type=Path,
        help="take the 'figure' block from this job instead of the file's own",
    )
    made.add_argument("--engine", choices=("h5netcdf", "netcdf4"), default="h5netcdf")
    made.add_argument("--dpi", type=float, default=style.DPI, help="pixels per inch of a .png")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (0, or 2 for what cannot be drawn)."""
    options = parser().parse_args(arguments)
    try:
        spec = _spec(options)
        if options.live:
            _live(options, spec)
        else:
            _plot(options, spec)
    except (FigureError, ValueError, OSError) as error:
        print(f"dynsweep-plot: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _spec(options: argparse.Namespace) -> FigureSpec:
    at = {}
    for item in options.at:
        name, equals, value = item.partition("=")
        if not equals:
            raise FigureError(f"--at takes AXIS=VALUE, not {item!r}")
        at[name] = value
    return FigureSpec(
        options.x,
        options.y,
        options.hue,
        options.panels,
        options.xscale,
        options.yscale,
        at,
        tuple(options.xline),
        tuple(options.yline),
        tuple(options.methods),
        options.trajectories,
    )


def _plot(options: argparse.Namespace, spec: FigureSpec) -> bool:
    """Draw once; returns whether the sweep is complete."""
    with load(options.file, engine=options.engine) as results:
        output: Path = options.output or results.path.with_suffix(".png")
        if options.job is not None:
            results = results.with_job(options.job.read_text(encoding="utf-8"))
        figure = Figure()
        settled = draw_on(Canvas(figure), results, spec)
        for note in notes(results, settled):
            print(f"dynsweep-plot: {note}".replace("$", "").replace("\\", ""), file=sys.stderr)
        is_complete = results.is_complete
    check_output(output, [*options.file, *([options.job] if options.job else [])])
    output.parent.mkdir(parents=True, exist_ok=True)
    # A viewer that watches the file never sees half of it.
    part = output.with_name(f".{output.stem}.part{output.suffix}")
    try:
        figure.savefig(part, dpi=options.dpi)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    print(output, flush=True)
    return is_complete


def _live(options: argparse.Namespace, spec: FigureSpec) -> None:
    """Draw whenever a file was replaced, until the sweep is complete or nobody writes it."""
    if options.every <= 0:
        raise FigureError(f"--every takes seconds above 0, not {options.every:g}")
    drawn: list[int] = []
    writers = Writers(options.file)
    while True:
        is_written = writers.are_alive()
        versions = _versions(options.file)
        if versions and versions != drawn:
            try:
                if _plot(options, spec):
                    return
            except FigureError as error:
                # Early on there may be no value to draw yet.
                if not is_written:
                    raise
                print(f"dynsweep-plot: {error}; waiting", file=sys.stderr)
            drawn = versions
        elif not is_written:
            if not versions:
                raise FileNotFoundError(
                    f"no such result file, and no run writes it: {options.file[0]}"
                )
            print("dynsweep-plot: the run stopped before it was complete", file=sys.stderr)
            return
        time.sleep(options.every)


def _versions(files: Sequence[str]) -> list[int]:
    """Return what changes when a file is replaced; empty while one is missing."""
    try:
        return [Path(file).stat().st_mtime_ns for file in files]
    except FileNotFoundError:
        return []


if __name__ == "__main__":
    sys.exit(main())
