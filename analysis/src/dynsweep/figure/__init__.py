"""Figures from result files: theory as lines, simulations as dots, phase diagrams as maps."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dynsweep.figure import labels, style
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
from dynsweep.results import Results
from dynsweep.seeds import status_counts

__all__ = ["CurvesPlan", "FigureError", "FigureSpec", "MapPlan", "draw", "notes", "plan"]


def draw(results: Results, spec: FigureSpec | None = None) -> Figure:
    """Draw the figure of a result file.

    What ``spec`` leaves open is taken from the job's ``figure`` block, then chosen from the file.

    :raises FigureError: when something asked for is not in the file
    """
    spec = (spec or FigureSpec()).over(FigureSpec.of_job(results.job))
    settled = plan(results, spec)
    with style.house_style():
        if isinstance(settled, MapPlan):
            figure = draw_map(results, settled, spec)
        else:
            figure = draw_curves(results, settled, spec)
        _title(figure, results, settled)
    return figure


def notes(results: Results, settled: CurvesPlan | MapPlan) -> list[str]:
    """Return what a reader of the figure must know: held axes, missing and lost tasks."""
    shown = settled.y if isinstance(settled, CurvesPlan) else settled.colour
    methods = settled.methods if isinstance(settled, CurvesPlan) else (settled.method,)
    lines = []
    for name, value in settled.held.items():
        values = coordinate(results, shown, name)
        if values.size > 1:
            lines.append(
                f"at {labels.equation(values, value)} (of {labels.number(values.values[0].item())}"
                f" ... {labels.number(values.values[-1].item())})"
            )
    for method in methods:
        counts = status_counts(results[method])
        total = sum(counts.values()) - counts.get("excluded", 0) - counts.get("spared", 0)
        lost = [f"{counts[state]} {state}" for state in ("failed", "diverged") if counts[state]]
        if counts["done"] < total:
            lines.append(", ".join([f"{method}: {counts['done']} of {total} tasks done", *lost]))
        values = results[method][shown].values
        if values.dtype.kind == "f":
            infinite = int(np.isinf(values).sum())
            if infinite:
                lines.append(f"{method}: {infinite} of {values.size} values infinite, left out")
    return lines


def _title(figure: Figure, results: Results, settled: CurvesPlan | MapPlan) -> None:
    """Write the job's name, its fixed parameters, and the notes."""
    job = results.job
    # The legend stands beside the panels, up to the top; some twelve characters make an inch.
    width = int((figure.get_figwidth() - style.LEGEND_INCHES) * 12)
    name = str(job.get("name", results.path.stem))
    # Mathtext is longer in the source than on paper, so lines are made of whole items.
    small = _lines(_fixed(results, job), width) + notes(results, settled)
    figure.suptitle("\n".join([name, *small]), fontsize=9, x=0.02, ha="left", linespacing=1.35)


def _fixed(results: Results, job: dict[str, Any]) -> list[str]:
    given = job.get("parameters") or {}
    items = []
    for name in given if isinstance(given, dict) else ():
        for dataset in results.values():
            if name in dataset.coords and dataset.coords[name].ndim == 0:
                variable = dataset.coords[name]
                items.append(labels.equation(variable, variable.item()))
                break
    return items


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
