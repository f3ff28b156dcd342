"""Log or linear: how an axis is spaced and what its ticks are."""

from __future__ import annotations

import math
import re
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

from dynsweep.figure.labels import number, power_of_ten

Scale = Literal["linear", "log", "symlog"]

#: Inches that a digit of a tick's label takes, and that two labels are apart at least.
_DIGIT, _GAP = 0.085, 0.1

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
    """Label a log axis 1, 2, 5, 10, ... on a short range, 1, 10, 100, ... on a long one.

    An axis that leaves 0.001 ... 10000 has powers of ten throughout.
    """
    low, high = sorted(axis.get_view_interval())
    decades = math.log10(high / low) if low > 0 else 0
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.7 else (1,)))

    def text(value: float, _: object) -> str:
        return power_of_ten(value) if _is_wide(*axis.get_view_interval()) else number(value)

    axis.set_major_formatter(FuncFormatter(text))
    axis.set_minor_formatter(NullFormatter())


def _is_wide(low: float, high: float) -> bool:
    return min(low, high) < 0.9e-3 or max(low, high) > 1.1e4


def tick_at_values(axes: Axes, values: NDArray[Any], scale: Scale) -> None:
    """Put the horizontal axis's ticks at the values themselves when they are few and have room."""
    unique = np.unique(values.astype(float))
    if unique.size > _FEW:
        return
    as_powers = scale == "log" and _is_wide(unique[0], unique[-1])
    texts = [(power_of_ten if as_powers else number)(value) for value in unique]
    if unique.size > 1:
        position = np.log(unique) if scale == "log" else unique
        # Margins on both sides take a tenth of an axis.
        inches = 0.9 * axes.figure.get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
        room = np.diff(position) / np.ptp(position) * inches
        widths = np.array([printed_inches(text) for text in texts])
        if (room < (widths[1:] + widths[:-1]) / 2 + _GAP).any():
            return
    axes.xaxis.set_major_locator(FixedLocator(unique.tolist()))
    axes.xaxis.set_major_formatter(FixedFormatter(texts))
    axes.xaxis.set_minor_locator(NullLocator())


def is_numeric(values: Any) -> bool:  # noqa: ANN401
    """Whether values are numbers, which have a place on an axis; words and flags have none."""
    return np.asarray(values).dtype.kind in "iuf"


def places(values: ArrayLike) -> NDArray[np.float64]:
    """Return where values stand on an axis: numbers at themselves, words at 0, 1, 2, ..."""
    array = np.asarray(values)
    return array.astype(float) if is_numeric(array) else np.arange(array.size, dtype=float)


def tick_words(axis: Axis, words: list[str]) -> None:
    """Put a word at each of 0, 1, 2, ...; on a horizontal axis slanted where they have no room."""
    axis.set_major_locator(FixedLocator(list(range(len(words)))))
    axis.set_major_formatter(FixedFormatter(words))
    axis.set_minor_locator(NullLocator())
    axes = axis.axes
    assert isinstance(axes, Axes)
    if axis is not axes.xaxis:
        return
    inches = axes.figure.get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    if max(map(printed_inches, words)) + _GAP > 0.9 * inches / max(len(words), 1):
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")


def printed_inches(text: str) -> float:
    """Return about how wide a tick's label is, mathtext as it looks."""
    small = sum(map(len, re.findall(r"\^\{(.*?)\}", text)))
    full = len(re.sub(r"\^\{.*?\}|\$", "", text).replace(r" \times ", "xxx"))
    return _DIGIT * (full + 0.7 * small)


def evenly(values: NDArray[np.float64], count: int, scale: Scale) -> NDArray[np.intp]:
    """Return indices of about ``count`` of increasing values, evenly spread on the axis.

    Half as many more are all shown. Values that are evenly spaced themselves are taken at one
    stride, with both ends where a stride fits; of others the nearest to even places.
    """
    usable = np.flatnonzero(values > 0) if scale == "log" else np.arange(values.size)
    if usable.size <= count * 3 // 2:
        return usable
    position = np.log(values[usable]) if scale == "log" else values[usable]
    steps = np.diff(position)
    last = usable.size - 1
    if last < 8 * (count - 1) and np.ptp(steps) < 1e-3 * steps.mean():
        fitting = [
            stride
            for stride in range(2, last)
            if last % stride == 0 and 0.6 * count <= last // stride + 1 <= 1.5 * count
        ]
        near = min(fitting, key=lambda stride: abs(last // stride + 1 - count), default=None)
        stride = near or -(-last // (count - 1))
        return usable[last % stride :: stride]
    wanted = np.linspace(position[0], position[-1], count)
    nearest = np.unique(np.abs(position[None, :] - wanted[:, None]).argmin(axis=1))
    chosen: NDArray[np.intp] = usable[nearest]
    return chosen
