"""Figures from result files: theory as lines, simulations as dots, phase diagrams as maps."""

from __future__ import annotations

import textwrap

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from dynsweep.figure import labels, style
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.curves import draw_curves
from dynsweep.figure.maps import draw_map
from dynsweep.figure.spec import (
    CurvesPlan,
    FigureError,
    FigureSpec,
    MapPlan,
    coordinate,
    plan,
)
from dynsweep.figure.trajectories import draw_trajectories
from dynsweep.results import Results
from dynsweep.seeds import status_counts

__all__ = [
    "CurvesPlan",
    "FigureError",
    "FigureSpec",
    "MapPlan",
    "draw",
    "draw_on",
    "notes",
    "plan",
]


def draw(results: Results, spec: FigureSpec | None = None) -> Figure:
    """Draw the figure of a result file.

    What ``spec`` leaves open is taken from the job's ``figure`` block, then chosen from the file.

    :raises FigureError: when something asked for is not in the file
    """
    # A Figure of its own: no global state of pyplot, nothing to close.
    figure = Figure()
    draw_on(Canvas(figure), results, spec)
    return figure


def draw_on(
    canvas: Canvas, results: Results, spec: FigureSpec | None = None
) -> CurvesPlan | MapPlan:
    """Draw the figure of a result file on a canvas, and return what it shows.

    A figure of its own gets a title; given axes do not.
    """
    spec = (spec or FigureSpec()).over(FigureSpec.of_job(results.job))
    if spec.methods:
        missing = [name for name in spec.methods if name not in results]
        if missing:
            raise FigureError(f"no method {missing[0]!r}; the file has {', '.join(results)}")
        results = results.only(spec.methods)
    settled = plan(results, spec)
    with style.house_style():
        if isinstance(settled, MapPlan):
            draw_map(canvas, results, settled, spec)
        elif spec.trajectories:
            draw_trajectories(canvas, results, settled, spec)
        else:
            draw_curves(canvas, results, settled, spec)
        if canvas.given is None:
            _title(canvas.figure, results, settled)
    return settled


def notes(results: Results, settled: CurvesPlan | MapPlan) -> list[str]:
    """Return what a reader of the figure must know: held axes, missing and lost tasks."""
    shown = settled.y if isinstance(settled, CurvesPlan) else settled.colour
    methods = settled.methods if isinstance(settled, CurvesPlan) else (settled.method,)
    lines = []
    for name, value in settled.held.items():
        values = coordinate(results, shown, name)
        if values.size > 1:
            ends = f"{labels.number(values.values[0])} ... {labels.number(values.values[-1])}"
            lines.append(f"at {labels.assignment(name, value)} (of {ends})")
    for method in methods:
        counts = status_counts(results[method])
        total = sum(counts.values()) - counts.get("excluded", 0) - counts.get("spared", 0)
        lost = [f"{counts[state]} {state}" for state in ("failed", "diverged") if counts[state]]
        if counts["done"] < total:
            lines.append(", ".join([f"{method}: {counts['done']} of {total} tasks done", *lost]))
        numbers = results[method][shown].values
        if numbers.dtype.kind == "f":
            infinite = int(np.isinf(numbers).sum())
            if infinite:
                lines.append(f"{method}: {infinite} of {numbers.size} values infinite, left out")
    return lines


def _title(figure: Figure, results: Results, settled: CurvesPlan | MapPlan) -> None:
    """Write the job's name, its fixed parameters, and the notes."""
    job = results.job
    # The legend stands beside the panels, up to the top; some twelve characters make an inch.
    width = int((figure.get_figwidth() - style.LEGEND_INCHES) * 12)
    name = textwrap.fill(str(job.get("name", results.path.stem)), width)
    # Mathtext is longer in the source than on paper, so lines are made of whole items.
    small = _lines(_fixed(results), width) + notes(results, settled)
    figure.suptitle("\n".join([name, *small]), fontsize=9, x=0.02, ha="left", linespacing=1.35)


def _fixed(results: Results) -> list[str]:
    """Return the job's fixed parameters under its own names."""
    given = results.job.get("parameters") or {}
    items = []
    for name in given if isinstance(given, dict) else ():
        variable = _scalar(results, name)
        if variable is not None:
            items.append(labels.assignment(str(variable.name), variable.item()))
    return items


def _scalar(results: Results, name: str) -> xr.DataArray | None:
    """Return a parameter that is one value for all methods; None when some run along it."""
    axes = {dim for dataset in results.values() for dim in dataset.sizes}
    for dataset in results.values():
        for known in dataset.coords:
            variable: xr.DataArray = dataset.coords[known]
            if name in (known, variable.attrs.get("symbol")) and variable.ndim == 0:
                return None if known in axes else variable
    return None


def _lines(items: list[str], width: int) -> list[str]:
    lines: list[str] = []
    length = 0
    for item in items:
        size = len(item.replace("$", "").replace("\\", "")) + 3
        if lines and length + size <= width:
            lines[-1] += "   " + item
            length += size
        else:
            lines.append(textwrap.shorten(item, width + 40))
            length = size
    return lines
