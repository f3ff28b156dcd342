"""Theory as lines, simulations as dots with error bars."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from dynsweep.figure import labels, style
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.scales import (
    Scale,
    evenly,
    is_log_spaced,
    is_numeric,
    places,
    plain_log_ticks,
    spans_decades,
    tick_at_values,
    tick_words,
)
from dynsweep.figure.series import Curve, Numbers, Series, series_of
from dynsweep.figure.spec import METHOD, CurvesPlan, FigureError, FigureSpec, coordinate
from dynsweep.results import Results
from dynsweep.seeds import TIME

#: Dots on one curve in time; more would hide the line under them.
_DOTS = 16
_LINE_WIDTH = 1.4


@dataclass(frozen=True)
class _Look:
    """How a method is drawn: a line for theory, a marker for a simulation."""

    line: Any
    marker: str | None
    size: float = 4.2

    @property
    def is_filled(self) -> bool:
        return self.marker == style.MARKERS[0]


def draw_curves(canvas: Canvas, results: Results, plan: CurvesPlan, spec: FigureSpec) -> None:
    """Draw a plan of curves."""
    series = series_of(results, plan)
    if not series:
        raise FigureError(f"no method has {plan.y!r} at {plan.held}")
    xs, panel, hue = labels.apart(
        coordinate(results, plan.y, plan.x),
        role_values(results, plan, plan.panels),
        role_values(results, plan, plan.hue),
    )
    assert xs is not None
    xscale: Scale = "linear"
    if is_numeric(xs):
        xscale = spec.xscale or ("log" if is_log_spaced(xs) else "linear")
    yscale: Scale = spec.yscale or (
        "log" if all(spans_decades(item.mean.values) for item in series) else "linear"
    )
    axes = make_curve_panels(canvas, panel)
    for number, subplot in enumerate(axes):
        chosen = {}
        if panel is not None:
            chosen = {str(panel.name): panel.values[number].item()}
            subplot.set_title(labels.equation(panel, panel.values[number].item()))
        _draw_panel(subplot, series, plan, chosen, hue, xs, xscale)
        subplot.set_xscale(xscale)
        subplot.set_yscale(yscale)
        for axis, scale in ((subplot.xaxis, xscale), (subplot.yaxis, yscale)):
            if scale == "log":
                plain_log_ticks(axis)
        if not is_numeric(xs):
            tick_words(subplot.xaxis, [labels.number(value) for value in xs.values.tolist()])
        elif plan.x != TIME:
            tick_at_values(subplot, xs.values, xscale)
    if yscale == "linear":
        _start_at_zero(axes[0])
    y_label = labels.axis_label(results[series[0].method][plan.y])
    canvas.label(labels.axis_label(xs), y_label)
    canvas.reference_lines(spec.xlines, spec.ylines)
    _legend(canvas, series, hue, _looks(series, xs))


def role_values(results: Results, plan: CurvesPlan, role: str | None) -> xr.DataArray | None:
    """Return the values that colours or panels stand for."""
    if role is None:
        return None
    if role == METHOD:
        return xr.DataArray(list(plan.methods), dims=METHOD, name=METHOD)
    return coordinate(results, plan.y, role)


def _looks(series: list[Series], xs: xr.DataArray) -> list[_Look]:
    theories = [_Look(line, None) for line in style.LINES]
    if not is_numeric(xs):
        theories = [_Look("none", dash, 13) for dash in style.DASHES]
    simulations = [_Look("none", marker) for marker in style.MARKERS]
    lines, dots = iter(theories * len(series)), iter(simulations * len(series))
    return [next(lines) if item.is_theory else next(dots) for item in series]


def _draw_panel(
    axes: Axes,
    series: list[Series],
    plan: CurvesPlan,
    chosen: dict[str, Any],
    hue: xr.DataArray | None,
    xs: xr.DataArray,
    xscale: Scale,
) -> None:
    # Without theory a faint line leads the eye from dot to dot; from word to word there is none.
    is_joined = is_numeric(xs) and not any(item.is_theory for item in series)
    place = dict(zip(xs.values.tolist(), places(xs), strict=True))
    for item, look in zip(series, _looks(series, xs), strict=True):
        if chosen.get(METHOD, item.method) != item.method:
            continue
        for value, colour in cases(item, hue):
            selection = dict(chosen)
            label = item.method
            if hue is not None and value is not None:
                selection[str(hue.name)] = value
                label += f", {hue.name} = {value}"
            curve = item.curve(plan.x, selection)
            if curve is None:
                continue
            if curve.x is not None:
                along = np.array([place[value] for value in curve.x.tolist()])
                curve = Curve(along, curve.y, curve.error)
            if item.is_theory:
                _line(axes, curve, colour, look, label)
            else:
                thinned = plan.x == TIME
                _dots(axes, _dotted(curve, thinned, xscale), colour, look, label, is_joined)


def cases(item: Series, hue: xr.DataArray | None) -> list[tuple[Any, Any]]:
    """Return the hue values of a method with their colours; one neutral case without any."""
    if hue is None:
        return [(None, style.PALETTE[0])]
    pairs = list(zip(hue.values.tolist(), style.colours(hue), strict=True))
    if hue.name == METHOD:
        return [(None, colour) for value, colour in pairs if value == item.method]
    return pairs if item.depends_on(str(hue.name)) else [(None, style.NEUTRAL)]


def _line(axes: Axes, curve: Curve, colour: Any, look: _Look, label: str) -> None:  # noqa: ANN401
    ys = np.where(np.isfinite(curve.y), curve.y, np.nan)
    looks = {"color": colour, "linestyle": look.line, "linewidth": _LINE_WIDTH, "label": label}
    if curve.x is None:
        axes.axhline(
            float(ys[0]), **looks | {"linestyle": look.line if look.line != "none" else "-"}
        )
        return
    if look.marker is not None:
        looks |= {"marker": look.marker, "markersize": look.size, "markeredgewidth": 1.6}
    elif (alone := _alone(ys)).size:
        # A line through one point has no length.
        looks |= {"marker": "_", "markersize": 9, "markevery": alone.tolist()}
    axes.plot(curve.x, ys, **looks)
    if curve.error is not None and np.isfinite(curve.error).any():
        low, high = ys - curve.error, ys + curve.error
        axes.fill_between(curve.x, low, high, color=colour, alpha=0.2, linewidth=0)


def _alone(ys: Numbers) -> NDArray[np.intp]:
    """Return where a value stands between two that are not there."""
    known = np.concatenate([[False], np.isfinite(ys), [False]])
    return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])


def _dotted(curve: Curve, is_thinned: bool, xscale: Scale) -> Curve:
    curve = curve.only(np.isfinite(curve.y))
    if is_thinned and curve.x is not None and curve.x.size:
        curve = curve.only(evenly(curve.x.astype(float), _DOTS, xscale))
    return curve


def _dots(
    axes: Axes,
    curve: Curve,
    colour: Any,  # noqa: ANN401
    look: _Look,
    label: str,
    is_joined: bool,
) -> None:
    if curve.x is None:
        _line(axes, curve, colour, _Look(":", None), label)
        return
    error = curve.error
    axes.errorbar(
        curve.x,
        curve.y,
        yerr=None if error is None else np.where(np.isfinite(error), error, 0),
        color=colour,
        linestyle=(0, (1, 2)) if is_joined else "none",
        linewidth=0.8,
        marker=look.marker,
        markersize=look.size,
        markerfacecolor=colour if look.is_filled else "white",
        markeredgewidth=1.0,
        elinewidth=1.0,
        capsize=1.8,
        zorder=3,
        label=label,
    )


def make_curve_panels(canvas: Canvas, panel: xr.DataArray | None) -> list[Axes]:
    """Return a panel a value, of a size for curves."""
    count = 1 if panel is None else panel.size
    width = {1: 5.4, 2: 4.0, 3: 3.3}[min(count, 3)]
    height = 3.7 if count <= 3 else 2.9
    return canvas.make_panels(count, (width, height), (style.LEGEND_INCHES, 0.5))


def _start_at_zero(axes: Axes) -> None:
    """Let a positive quantity that comes near zero start there."""
    low, high = axes.get_ylim()
    if 0 < low < 0.3 * high:
        axes.set_ylim(bottom=0)


def explain_hue(canvas: Canvas, hue: xr.DataArray | None) -> list[Line2D]:
    """Return the legend's entries for the colours; many numbers get a colour bar instead."""
    if hue is None or hue.name == METHOD:
        return []
    if style.is_ordered(hue) and hue.size > style.MOST_LEGEND_ENTRIES:
        _colour_bar(canvas, hue)
        return []
    return _hue_entries(hue)


def _legend(
    canvas: Canvas, series: list[Series], hue: xr.DataArray | None, looks: list[_Look]
) -> None:
    handles = explain_hue(canvas, hue)
    for item, look in zip(series, looks, strict=True):
        # Where colours mean something else, the methods' own entries are grey.
        colour = style.NEUTRAL
        if hue is None or hue.name == METHOD:
            colour = cases(item, hue)[0][1]
        bars = f"\nmean ± s.e., {item.seeds} seeds" if item.seeds > 1 else ""
        if item.fixed:
            # Drawn where other methods run along these axes: the reader must know that it does not.
            held = (labels.assignment(name, value) for name, value in item.fixed.items())
            bars += "\n" + textwrap.fill("at " + ", ".join(held), 30)
        handles.append(
            Line2D(
                [],
                [],
                color=colour,
                linestyle=look.line,
                linewidth=_LINE_WIDTH,
                marker=look.marker,
                markersize=5 if not item.is_theory else look.size,
                markerfacecolor=colour if look.is_filled else "white",
                label=item.method + bars,
            )
        )
    canvas.legend(handles=handles, handlelength=1.8)


def _hue_entries(hue: xr.DataArray) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="none", label=labels.heading(hue)),
        *(
            Line2D([], [], color=colour, linewidth=4, label=labels.number(value))
            for value, colour in zip(hue.values.tolist(), style.colours(hue), strict=True)
        ),
        Line2D([], [], linestyle="none", label=" "),
    ]


def _colour_bar(canvas: Canvas, hue: xr.DataArray) -> None:
    # The lines' colours go by rank and end before the map does; so does the bar.
    shown = ListedColormap(mpl.colormaps[style.ORDERED_MAP](np.linspace(0, 0.82, 256)))
    values = hue.values.astype(float)
    norm = (LogNorm if is_log_spaced(values) else Normalize)(values.min(), values.max())
    mappable = ScalarMappable(norm, shown)
    canvas.figure.colorbar(mappable, ax=canvas.axes, label=labels.axis_label(hue), pad=0.02)
