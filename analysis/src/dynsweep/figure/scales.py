"""Log or linear: how an axis is spaced and what its ticks are."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    LogLocator,
    NullFormatter,
    NullLocator,
)
from numpy.typing import ArrayLike, NDArray

from dynsweep.figure.labels import number

Scale = Literal["linear", "log", "symlog"]

#: An axis of at most this many values gets a tick at each of them.
_FEW = 8


def is_log_spaced(values: ArrayLike) -> bool:
    """Whether positive values lie more evenly on a log axis than on a linear one.

    Rounding (whole numbers of steps) does not hide the spacing: the steps' spread is compared,
    not their equality. Fewer than three values, or less than a factor 4, are linear.
    """
    array = np.unique(np.asarray(values, dtype=float))
    array = array[np.isfinite(array)]
    if array.size < 3 or array[0] <= 0 or array[-1] < 4 * array[0]:
        return False

    def spread(points: NDArray[np.float64]) -> float:
        steps = np.diff(points)
        return float(np.std(steps) / np.mean(steps))

    return spread(np.log(array)) < spread(array)


def spans_decades(values: ArrayLike, decades: float = 2) -> bool:
    """Whether all values are positive and reach over so many powers of ten."""
    array = np.asarray(values, dtype=float)
    array = array[np.isfinite(array)]
    return bool(array.size > 1 and array.min() > 0 and array.max() >= array.min() * 10**decades)


def plain_log_ticks(axis: Axis) -> None:
    """Label a log axis 1, 2, 5, 10, ... on a short range, 1, 10, 100, ... on a long one."""
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low) if low > 0 else 0
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.7 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
    axis.set_minor_formatter(NullFormatter())


def tick_at_values(axes: Axes, values: NDArray[Any], scale: Scale) -> None:
    """Put the horizontal axis's ticks at the values themselves when they are few."""
    unique = np.unique(values.astype(float))
    if unique.size > _FEW:
        return
    position = np.log(unique) if scale == "log" else unique
    if unique.size > 1 and np.diff(position).min() < 0.06 * np.ptp(position):
        return  # labels would run into each other
    axes.xaxis.set_major_locator(FixedLocator(unique.tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter([number(value) for value in unique]))
    axes.xaxis.set_minor_locator(NullLocator())


def evenly(values: NDArray[np.float64], count: int, scale: Scale) -> NDArray[np.intp]:
    """Return the indices of at most ``count`` increasing values, evenly spread on the axis."""
    usable = np.flatnonzero(values > 0) if scale == "log" else np.arange(values.size)
    if usable.size <= count:
        return usable
    position = np.log(values[usable]) if scale == "log" else values[usable]
    wanted = np.linspace(position[0], position[-1], count)
    nearest = np.abs(position[None, :] - wanted[:, None]).argmin(axis=1)
    return usable[np.unique(nearest)]
