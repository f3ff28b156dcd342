"""An observable as colour over two axes."""

from __future__ import annotations

import re
import textwrap
from typing import Any, Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm, Normalize
from matplotlib.patches import Patch
from numpy.typing import NDArray

from dynsweep.figure import labels, style
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.scales import (
    Scale,
    is_log_spaced,
    is_numeric,
    places,
    plain_log_ticks,
    spans_decades,
    tick_words,
)
from dynsweep.figure.series import pick
from dynsweep.figure.spec import FigureError, FigureSpec, MapPlan, coordinate
from dynsweep.results import Results
from dynsweep.seeds import flag_codes, statistics


def draw_map(canvas: Canvas, results: Results, plan: MapPlan, spec: FigureSpec) -> None:
    """Draw a map; a variable with ``flag_meanings`` as regions with their borders."""
    variable = results[plan.method][plan.colour]
    values = statistics(results[plan.method][[plan.colour, "status"]])[plan.colour]
    held = pick(values, None, plan.held)
    if held is None:
        raise FigureError(f"{plan.method} has no {plan.colour!r} where the other axes are held")
    values = held[0]
    x, panel = labels.apart(
        coordinate(results, plan.colour, plan.x),
        coordinate(results, plan.colour, plan.panels) if plan.panels else None,
    )
    y = coordinate(results, plan.colour, plan.y)
    assert x is not None
    if not np.isfinite(values.values).any():
        raise FigureError(f"{plan.method} has no finite value of {plan.colour!r}")
    codes = flag_codes(variable)
    paint = _Regions(values, codes) if codes else _Shades(values)
    count = 1 if panel is None else panel.size
    for number, subplot in enumerate(canvas.make_panels(count, (4.4, 4.0), (2.4, 0.4))):
        subplot.grid(False)
        shown = values if panel is None else values.isel({panel.dims[0]: number})
        paint.draw(subplot, shown.transpose(plan.y, plan.x))
        if panel is not None:
            subplot.set_title(labels.equation(panel, panel.values[number].item()))
        _scale(subplot, "x", x.values, spec.xscale)
        _scale(subplot, "y", y.values, spec.yscale)
    x_label, y_label = labels.axis_label(x), labels.axis_label(y)
    if x_label == y_label:  # the two times of a kernel
        y_label = re.sub(r"\$(.+)\$", r"$\1'$", y_label)
    canvas.label(x_label, y_label)
    canvas.reference_lines(spec.xlines, spec.ylines)
    paint.explain(canvas, variable)


def _scale(axes: Axes, name: Literal["x", "y"], values: NDArray[Any], wish: Scale | None) -> None:
    """Scale and label an axis as it is spaced; words stand side by side."""
    axis, set_scale = (
        (axes.xaxis, axes.set_xscale) if name == "x" else (axes.yaxis, axes.set_yscale)
    )
    if not is_numeric(values):
        tick_words(axis, [labels.number(value) for value in values.tolist()])
        return
    scale = wish or ("log" if is_log_spaced(values) else "linear")
    set_scale(scale)
    if scale == "log":
        plain_log_ticks(axis)


def _sides(values: xr.DataArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a map's columns and rows stand."""
    x, y = (
        values.coords[dim].values if dim in values.coords else np.arange(1, values.sizes[dim] + 1)
        for dim in (values.dims[1], values.dims[0])
    )
    return places(x), places(y)


class _Regions:
    """Areas of equal code, a colour each, with black borders."""

    def __init__(self, values: xr.DataArray, codes: dict[str, int]) -> None:
        present = np.unique(values.values[np.isfinite(values.values)]).astype(int).tolist()
        self.names = {code: name for name, code in codes.items() if code in present}
        self.codes = sorted(self.names)
        self.colours = [style.AREAS[index % len(style.AREAS)] for index in range(len(self.codes))]

    def draw(self, axes: Axes, values: xr.DataArray) -> None:
        x, y = _sides(values)
        index = np.full(values.shape, np.nan)
        for place, code in enumerate(self.codes):
            index[values.values == code] = place
        edges = np.arange(len(self.codes) + 1) - 0.5
        norm = BoundaryNorm(edges, max(len(self.codes), 1))
        axes.pcolormesh(
            x,
            y,
            index,
            cmap=ListedColormap(self.colours),
            norm=norm,
            shading="nearest",
            rasterized=True,
        )
        for place in range(len(self.codes)):
            inside = (index == place).astype(float)
            if min(inside.shape) > 1 and 0 < inside.mean() < 1:
                axes.contour(x, y, inside, levels=[0.5], colors="black", linewidths=0.7)

    def explain(self, canvas: Canvas, variable: xr.DataArray) -> None:
        handles: list[Any] = [
            Patch(
                facecolor=colour, edgecolor="black", linewidth=0.7, label=_words(self.names[code])
            )
            for code, colour in zip(self.codes, self.colours, strict=True)
        ]
        canvas.legend(
            handles=handles,
            title=labels.phrase(variable),
            alignment="left",
            labelspacing=0.8,
        )


class _Shades:
    """A number as a shade, with a colour bar."""

    def __init__(self, values: xr.DataArray) -> None:
        finite = values.values[np.isfinite(values.values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        self.norm = LogNorm(low, high) if spans_decades(finite) else Normalize(low, high)

    def draw(self, axes: Axes, values: xr.DataArray) -> None:
        x, y = _sides(values)
        shown = np.where(np.isfinite(values.values), values.values, np.nan)
        axes.pcolormesh(
            x, y, shown, cmap=style.ORDERED_MAP, norm=self.norm, shading="nearest", rasterized=True
        )

    def explain(self, canvas: Canvas, variable: xr.DataArray) -> None:
        mappable = ScalarMappable(self.norm, style.ORDERED_MAP)
        canvas.figure.colorbar(
            mappable, ax=canvas.axes, label=labels.axis_label(variable), pad=0.02
        )


def _words(name: str) -> str:
    """Return a flag's name in words, on lines of at most some thirty characters."""
    return textwrap.fill(name.replace("_", " "), 30)
