"""Where an observable crosses a level along an axis: thresholds and hitting times."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dynsweep.figure.scales import is_log_spaced
from dynsweep.seeds import SEED, where_done

Numbers = NDArray[np.float64]


def crossing(
    dataset: xr.Dataset,
    name: str,
    level: float,
    along: str,
    *,
    resamples: int = 1000,
    random_seed: int = 0,
) -> xr.Dataset:
    """Return where the mean over seeds first crosses a level along an axis, with an error bar.

    Between neighbouring points the mean is interpolated linearly (in the logarithm of a log-spaced
    axis); points without a value are passed over. The error is that of the seeds: seeds are drawn
    anew with replacement, whole runs at a time, and the crossing is found again.

    The dataset returned has the axes that are left, and

    - ``crossing``: the place; NaN where the level is not crossed,
    - ``crossings``: how often the level is crossed: 0 says that there is no crossing, above 1 that
      the first of several was taken,
    - ``error``: the standard deviation over the resamples that have a crossing; ``low`` and
      ``high`` their quantiles 0.16 and 0.84. NaN with fewer than two seeds,
    - ``found``: the share of resamples with a crossing. Below 1 the error bar is a lower bound.

    :param name: the observable
    :param along: an axis (or a coordinate along one), or ``time``
    :param resamples: how many times the seeds are drawn
    :raises ValueError: when the observable has no such axis, or it is not numeric
    """
    values = where_done(dataset)[name] if "status" in dataset else dataset[name]
    if along not in values.coords or values.coords[along].ndim != 1:
        raise ValueError(
            f"{name!r} has no axis {along!r}; it has {', '.join(map(str, values.dims))}"
        )
    axis = values.coords[along]
    dim = axis.dims[0]
    if dim not in values.dims or axis.dtype.kind not in "iuf":
        raise ValueError(f"{along!r} is no numeric axis of {name!r}")
    seeded = SEED in values.dims
    if not seeded:
        values = values.expand_dims(SEED)
    rest = [str(other) for other in values.dims if other not in (SEED, dim)]
    values = values.sortby(dim) if along == dim else values.isel({dim: np.argsort(axis.values)})
    place = np.sort(axis.values.astype(float))
    is_log = is_log_spaced(place)
    array = values.transpose(SEED, *rest, dim).values.astype(float)
    array = np.where(np.isfinite(array), array, np.nan)
    flat = array.reshape(array.shape[0], -1)
    positions = np.log(place) if is_log else place

    def find(weights: Numbers) -> tuple[Numbers, NDArray[np.intp]]:
        mean = _weighted(weights, flat).reshape(len(weights), *array.shape[1:])
        return _first_crossing(positions, mean - level)

    first, count = find(np.ones((1, len(flat))))
    seeds = np.isfinite(array).sum(axis=0).max(axis=-1)
    generator = np.random.default_rng(random_seed)
    drawn = generator.multinomial(len(flat), np.full(len(flat), 1 / len(flat)), size=resamples)
    again = find(drawn.astype(float))[0]
    if is_log:
        first, again = np.exp(first), np.exp(again)
    known = np.isfinite(again)
    found = known.mean(axis=0)
    enough = (seeds >= 2) & (known.sum(axis=0) >= 2)
    low, error, high = _spread(again, enough)

    coords = {key: value for key, value in values.coords.items() if set(value.dims) <= set(rest)}
    attrs = {key: axis.attrs[key] for key in ("symbol", "units") if key in axis.attrs}
    made = {
        "crossing": (first[0], f"{along} at which {name} crosses {level:g}"),
        "crossings": (count[0], f"how often {name} crosses {level:g}"),
        "error": (error, "standard deviation over resampled seeds"),
        "low": (low, "quantile 0.16 over resampled seeds"),
        "high": (high, "quantile 0.84 over resampled seeds"),
        "found": (np.where(seeds >= 2, found, np.nan), "share of resamples with a crossing"),
    }
    return xr.Dataset(
        {
            key: (
                rest,
                data,
                ({} if key in ("crossings", "found") else attrs) | {"long_name": text},
            )
            for key, (data, text) in made.items()
        },
        coords=coords,
        attrs={"observable": name, "level": float(level), "along": along},
    )


def _weighted(weights: Numbers, values: Numbers) -> Numbers:
    """Return weighted means over the first dimension, without what is NaN: (weights, values)."""
    known = np.isfinite(values)
    total = weights @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Numbers = np.where(total > 0, weights @ np.where(known, values, 0) / total, np.nan)
    return mean


def _first_crossing(x: Numbers, y: Numbers) -> tuple[Numbers, NDArray[np.intp]]:
    """Return the first zero of y along its last dimension, and how many there are."""
    shape = y.shape[:-1]
    first = np.full(shape, np.nan)
    count = np.zeros(shape, dtype=np.intp)
    last_x, last_y = np.full(shape, np.nan), np.full(shape, np.nan)
    for place, here in zip(x, np.moveaxis(y, -1, 0), strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            # A value on the level is a crossing when it is reached, not once more when it is left.
            is_crossed = ((last_y < 0) & (here >= 0)) | ((last_y > 0) & (here <= 0))
            zero = last_x + (place - last_x) * (-last_y / (here - last_y))
        first = np.where(is_crossed & (count == 0), zero, first)
        count += is_crossed
        known = np.isfinite(here)
        last_x, last_y = np.where(known, place, last_x), np.where(known, here, last_y)
    return first, count


def _spread(samples: Numbers, enough: Any) -> tuple[Numbers, Numbers, Numbers]:  # noqa: ANN401
    shape = samples.shape[1:]
    low, error, high = (np.full(shape, np.nan) for _ in range(3))
    for place in np.ndindex(shape):
        if enough[place]:
            column = samples[(slice(None), *place)]
            column = column[np.isfinite(column)]
            low[place], high[place] = np.quantile(column, [0.16, 0.84])
            error[place] = column.std(ddof=1)
    return low, error, high
