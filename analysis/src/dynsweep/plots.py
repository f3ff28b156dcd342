"""The figures of ``dynsweep-plot`` as functions for notebooks: they return matplotlib axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dynsweep.figure import FigureSpec, draw_on
from dynsweep.figure.canvas import Canvas
from dynsweep.figure.scales import Scale
from dynsweep.results import Results

#: One panel's axes, or an array of them when there are several.
Panels = Axes | NDArray[Any]


def curves(
    results: Results,
    y: str | None = None,
    x: str | None = None,
    hue: str | None = None,
    panels: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    methods: Sequence[str] = (),
    xscale: Scale | None = None,
    yscale: Scale | None = None,
    ax: Axes | None = None,
) -> Panels:
    """Draw theory as lines and simulations as dots with error bars, as ``dynsweep-plot`` does.

    What is not said is taken from the job's ``figure`` block, then chosen from the file.

    :param y: an observable
    :param x: ``time`` or an axis
    :param hue: an axis, ``method`` or ``none``: a colour a value
    :param panels: the same: a panel a value
    :param at: values at which other axes are held
    :param methods: only these
    :param ax: draw one panel into these axes, with the legend inside and no title
    :raises FigureError: when something asked for is not in the file
    """
    spec = FigureSpec(x, y, hue, panels, xscale, yscale, at or {}, methods=tuple(methods))
    return _draw(results, spec, ax)


def heatmap(
    results: Results,
    colour: str,
    x: str,
    y: str,
    *,
    panels: str | None = None,
    at: Mapping[str, Any] | None = None,
    method: str | None = None,
    xscale: Scale | None = None,
    yscale: Scale | None = None,
    ax: Axes | None = None,
) -> Panels:
    """Draw an observable as colour over two axes; codes (``region``) as areas with their names.

    :param colour: the observable, its mean over seeds
    :param x: the horizontal axis
    :param y: the vertical axis; for a kernel its other time
    :param method: whose values; the first method that has them when None
    :param ax: draw one panel into these axes
    :raises FigureError: when something asked for is not in the file
    """
    methods = () if method is None else (method,)
    spec = FigureSpec(x, y, colour, panels, xscale, yscale, at or {}, methods=methods)
    return _draw(results, spec, ax)


def trajectories(
    results: Results,
    y: str | None = None,
    x: str = "time",
    hue: str | None = None,
    panels: str | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    methods: Sequence[str] = (),
    xscale: Scale | None = None,
    yscale: Scale | None = None,
    ax: Axes | None = None,
) -> Panels:
    """Draw every run that is done as a thin line, theory as a thick one.

    :param y: an observable
    :param x: ``time``, or another observable: a portrait of the plane of both
    :raises FigureError: when something asked for is not in the file
    """
    spec = FigureSpec(
        x, y, hue, panels, xscale, yscale, at or {}, methods=tuple(methods), trajectories=True
    )
    return _draw(results, spec, ax)


def _draw(results: Results, spec: FigureSpec, ax: Axes | None) -> Panels:
    if ax is None:
        # pyplot's figure, so that a notebook shows it.
        import matplotlib.pyplot as plt

        canvas = Canvas(plt.figure())
    else:
        canvas = Canvas(ax.figure, ax)  # type: ignore[arg-type]
    draw_on(canvas, results, spec)
    return canvas.axes[0] if len(canvas.axes) == 1 else np.array(canvas.axes)
