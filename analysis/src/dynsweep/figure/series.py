"""The numbers behind a figure of curves: one method's observable over x, hue and panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dynsweep.figure.spec import METHOD, CurvesPlan, dimensions
from dynsweep.results import Results
from dynsweep.seeds import statistics as seeds_statistics

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One line, or one row of dots. A method that does not depend on x has a single y and no x."""

    x: NDArray[Any] | None
    y: Numbers
    error: Numbers | None

    def only(self, kept: NDArray[Any]) -> Curve:
        """Return the points at these indices (or where a mask is true)."""
        return Curve(
            None if self.x is None else self.x[kept],
            self.y[kept],
            None if self.error is None else self.error[kept],
        )


@dataclass(frozen=True)
class Series:
    """One method's mean and standard error over seeds, held axes taken out."""

    method: str
    is_theory: bool
    mean: xr.DataArray
    error: xr.DataArray | None
    #: The most seeds any point has; 0 for a method without seeds.
    seeds: int
    #: Axes of other methods at which the job fixes this one.
    fixed: dict[str, Any]

    def depends_on(self, dim: str) -> bool:
        """Whether the values run along a dimension, or a coordinate of one."""
        return _places(self.mean, dim, None) is not None

    def curve(self, x: str, selection: dict[str, Any]) -> Curve | None:
        """Return the curve at one hue and panel; None where the method has no such value."""
        picked = pick(self.mean, self.error, selection)
        if picked is None:
            return None
        mean, error = picked
        errors = None if error is None else np.atleast_1d(error.values).astype(float)
        ys = np.atleast_1d(mean.values).astype(float)
        if mean.ndim == 0:
            return Curve(None, ys, errors)
        if mean.ndim > 1:
            raise ValueError(
                f"{self.method}: no place in the figure for {', '.join(map(str, mean.dims))}"
            )
        xs = mean.coords[x].values if x in mean.coords else np.arange(1, ys.size + 1)
        return Curve(xs, ys, errors)


def series_of(results: Results, plan: CurvesPlan) -> list[Series]:
    """Return the series of all methods that have values where other axes are held."""
    found = []
    for method in plan.methods:
        source = _source(results[method][plan.y])
        needed = {plan.y, source, "status"} & set(results[method].data_vars)
        statistics = seeds_statistics(results[method][sorted(needed)])
        mean = statistics[plan.y]
        error = statistics.get(f"{source}_sem")
        picked = pick(mean, error, plan.held)
        if picked is None:
            continue
        mean, error = picked[0].load(), None if picked[1] is None else picked[1].load()
        count = 0 if error is None else int(statistics["seeds_done"].max())
        is_theory = results.kind(method) == "theory"
        found.append(Series(method, is_theory, mean, error, count, _fixed(results, method, plan.y)))
    return found


def _fixed(results: Results, method: str, name: str) -> dict[str, Any]:
    """Return the axes of other methods that are a single value for this one (``per_method``)."""
    coords = results[method].coords
    return {
        dim: coords[dim].item()
        for dim in dimensions(results, name)
        if dim in coords and coords[dim].ndim == 0
    }


def _source(variable: xr.DataArray) -> str:
    """Return whose standard error is a variable's: of a mean over seeds, what it is the mean of."""
    return str(variable.attrs.get("seed_mean_of", variable.name))


def pick(
    mean: xr.DataArray, error: xr.DataArray | None, selection: dict[str, Any]
) -> tuple[xr.DataArray, xr.DataArray | None] | None:
    """Take one value of each selected dimension; None when one of them is not there."""
    for dim, value in selection.items():
        places = _places(mean, dim, value)
        if places is None or dim == METHOD:
            continue
        if not places.size:
            return None
        base = mean.coords[dim].dims[0] if dim in mean.coords else dim
        mean = mean.isel({base: places[0]})
        error = None if error is None else error.isel({base: places[0]})
    return mean, error


def _places(array: xr.DataArray, dim: str, value: object) -> NDArray[np.intp] | None:
    """Return where ``dim`` is ``value``; None when the array has no such dimension."""
    if dim in array.coords and array.coords[dim].ndim == 1:
        return np.flatnonzero(array.coords[dim].values == value)
    if dim in array.dims:
        # A dimension without a coordinate counts from 1.
        return np.flatnonzero(np.arange(1, array.sizes[dim] + 1) == value)
    return None
