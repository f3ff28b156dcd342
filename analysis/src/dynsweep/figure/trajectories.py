"""Every run as a line: along time, or one observable against another."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from dynsweep.figure import labels, style
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.curves import explain_hue, make_curve_panels, role_values
from dynsweep.figure.scales import Scale, is_log_spaced, plain_log_ticks, spans_decades
from dynsweep.figure.series import pick
from dynsweep.figure.spec import METHOD, CurvesPlan, FigureError, FigureSpec
from dynsweep.results import Results, observables
from dynsweep.seeds import SEED, TIME, where_done

Numbers = NDArray[np.float64]


def draw_trajectories(canvas: Canvas, results: Results, plan: CurvesPlan, spec: FigureSpec) -> None:
    """Draw every run of every method that is done: simulations thin, theory thick.

    ``plan.x`` is time, or a second observable (a phase portrait).
    """
    panel = role_values(results, plan, plan.panels)
    hue = role_values(results, plan, plan.hue)
    methods = [name for name in plan.methods if TIME in results[name][plan.y].dims]
    if not methods:
        raise FigureError(f"{plan.y!r} has no time: there are no trajectories of it")
    axes = make_curve_panels(canvas, panel)
    shown: list[Numbers] = []
    for number, subplot in enumerate(axes):
        chosen: dict[str, Any] = dict(plan.held)
        if panel is not None:
            chosen[str(panel.name)] = panel.values[number].item()
            subplot.set_title(labels.equation(panel, panel.values[number].item()))
        for method in methods:
            if chosen.get(METHOD, method) == method:
                shown += _draw_method(subplot, results, method, plan, chosen, hue)
    if not shown:
        raise FigureError(f"no run of {', '.join(methods)} is done where the other axes are held")
    _scales(canvas, spec, shown)
    x = _variable(results, methods[0], plan.x)
    canvas.label(labels.axis_label(x), labels.axis_label(results[methods[0]][plan.y]))
    canvas.reference_lines(spec.xlines, spec.ylines)
    _legend(canvas, results, methods, hue)


def _variable(results: Results, method: str, name: str) -> xr.DataArray:
    dataset = results[method]
    return dataset.coords[name] if name in dataset.coords else dataset[name]


def _draw_method(
    axes: Axes,
    results: Results,
    method: str,
    plan: CurvesPlan,
    chosen: dict[str, Any],
    hue: xr.DataArray | None,
) -> list[Numbers]:
    """Draw one method's runs in one panel; returns them as (points, 2) each."""
    drawn: list[Numbers] = []
    for value, colour in _cases(results, method, plan, hue):
        selection = {key: item for key, item in chosen.items() if key not in (TIME, METHOD)}
        if value is not None and hue is not None and hue.name != METHOD:
            selection[str(hue.name)] = value
        runs = _runs(results, method, plan, selection)
        is_theory = results.kind(method) == "theory"
        lines = LineCollection(
            runs,
            colors=[colour],
            linestyles=[_line(results, method)],
            linewidths=1.6 if is_theory else 0.6,
            alpha=1 if is_theory else max(0.15, min(0.6, 8 / max(len(runs), 1))),
            zorder=3 if is_theory else 2,
            label=method if value is None else f"{method}, {hue.name} = {value}",  # type: ignore[union-attr]
        )
        axes.add_collection(lines, autolim=True)
        drawn += runs
    axes.autoscale_view()
    return drawn


def _cases(
    results: Results, method: str, plan: CurvesPlan, hue: xr.DataArray | None
) -> list[tuple[Any, Any]]:
    if hue is None:
        return [(None, style.NEUTRAL if results.kind(method) == "theory" else style.PALETTE[0])]
    pairs = list(zip(hue.values.tolist(), style.colours(hue), strict=True))
    if hue.name == METHOD:
        return [pair for pair in pairs if pair[0] == method]
    depends = pick(results[method][plan.y], None, {str(hue.name): hue.values[0].item()})
    is_free = depends is not None and depends[0].ndim == results[method][plan.y].ndim
    return [(None, style.NEUTRAL)] if is_free else pairs


def _runs(
    results: Results, method: str, plan: CurvesPlan, selection: dict[str, Any]
) -> list[Numbers]:
    """Return the runs that are done as arrays (points, 2)."""
    dataset = results[method]
    names = [plan.y] if plan.x == TIME else [plan.y, plan.x]
    if any(name not in observables(dataset) for name in names):
        return []
    values = where_done(dataset[[*names, "status"]])
    lines = []
    for name in names:
        picked = pick(values[name], None, selection)
        if picked is None:
            return []
        array = picked[0]
        if TIME not in array.dims:
            raise FigureError(f"{name!r} has no time: there are no trajectories of it")
        if SEED not in array.dims:
            array = array.expand_dims(SEED)
        extra = [str(dim) for dim in array.dims if dim not in (SEED, TIME)]
        # What the other observable has besides (a column, a token): the first.
        array = array.isel(dict.fromkeys(extra, 0))
        lines.append(array.transpose(SEED, TIME).values.astype(float))
    x = lines[1] if len(lines) > 1 else np.broadcast_to(values.coords[TIME].values, lines[0].shape)
    runs = np.stack([x, lines[0]], axis=-1)
    kept = [run[np.isfinite(run).all(axis=1)] for run in runs]
    return [run for run in kept if len(run)]


def _line(results: Results, method: str) -> Any:  # noqa: ANN401
    """Return a line style: methods of one kind differ in it; colours may mean other things."""
    kind = results.kind(method)
    number = [name for name in results if results.kind(name) == kind].index(method)
    return style.LINES[number % len(style.LINES)]


def _scales(canvas: Canvas, spec: FigureSpec, runs: list[Numbers]) -> None:
    points = np.concatenate(runs)
    wishes: list[Scale] = []
    for column, wish in enumerate((spec.xscale, spec.yscale)):
        values = points[:, column]
        is_time = column == 0 and spec.x in (None, TIME)
        is_log = is_log_spaced(np.unique(values)) if is_time else spans_decades(values)
        wishes.append(wish or ("log" if is_log else "linear"))
    for axes in canvas.axes:
        axes.set_xscale(wishes[0])
        axes.set_yscale(wishes[1])
        for axis, scale in zip((axes.xaxis, axes.yaxis), wishes, strict=True):
            if scale == "log":
                plain_log_ticks(axis)


def _legend(canvas: Canvas, results: Results, methods: list[str], hue: xr.DataArray | None) -> None:
    handles = explain_hue(canvas, hue)
    for method in methods:
        is_theory = results.kind(method) == "theory"
        colour = style.NEUTRAL
        if hue is None and not is_theory:
            colour = style.PALETTE[0]
        if hue is not None and hue.name == METHOD:
            colour = style.colours(hue)[hue.values.tolist().index(method)]
        runs = results[method].sizes.get(SEED, 1)
        handles.append(
            Line2D(
                [],
                [],
                color=colour,
                linestyle=_line(results, method),
                linewidth=1.6 if is_theory else 0.6,
                label=method + ("" if runs == 1 else f"\n{runs} runs"),
            )
        )
    canvas.legend(handles=handles, handlelength=1.8)
