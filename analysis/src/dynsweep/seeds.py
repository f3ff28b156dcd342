"""Statistics over seeds. Only tasks that are done count."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import xarray as xr

#: The dimension of a method's random repetitions.
SEED = "seed"

#: The dimension of recording times.
TIME = "time"

#: The codes of ``status``, for files that do not spell them out.
STATUS = MappingProxyType(
    {"pending": 0, "done": 1, "failed": 2, "diverged": 3, "excluded": 4, "spared": 5, "suspect": 6}
)


#: Variables of a method's group that are about its tasks, not about the model.
BOOKKEEPING = frozenset({"status", "error", "wall_seconds", "mpi_rank", "build"})
#: Those of them that are numbers but no quantities.
_CODES = frozenset({"status", "mpi_rank", "build"})


def has_seeds(dataset: xr.Dataset) -> bool:
    """Whether a method was repeated over seeds."""
    return SEED in dataset.dims


def flag_codes(variable: xr.DataArray) -> dict[str, int]:
    """Return what the codes of a variable mean, from ``flag_meanings``; empty when it has none."""
    meanings = variable.attrs.get("flag_meanings")
    if meanings is None:
        return {}
    names = str(meanings).split()
    values = np.atleast_1d(variable.attrs.get("flag_values", np.arange(len(names))))
    return {name: int(value) for name, value in zip(names, values, strict=False)}


def _status_codes(dataset: xr.Dataset) -> dict[str, int]:
    return flag_codes(dataset["status"]) or dict(STATUS)


def done(dataset: xr.Dataset) -> xr.DataArray:
    """Which tasks are done: boolean, over the axes and seeds."""
    return dataset["status"] == _status_codes(dataset)["done"]


def status_counts(dataset: xr.Dataset) -> dict[str, int]:
    """How many tasks are in each state, by name."""
    status = dataset["status"].values
    return {
        name: int(np.count_nonzero(status == code)) for name, code in _status_codes(dataset).items()
    }


def where_done(dataset: xr.Dataset) -> xr.Dataset:
    """Return the numeric variables with NaN for every task that is not done.

    ``status``, ``mpi_rank`` and ``build`` are left out. A variable that is not per task stays as
    it is.
    """
    is_done = done(dataset)
    kept = {}
    for name, variable in _numeric(dataset).items():
        if set(is_done.dims) <= set(variable.dims):
            kept[name] = variable.where(is_done).assign_attrs(variable.attrs)
        else:
            kept[name] = variable
    return xr.Dataset(kept, attrs=dataset.attrs)


def mean(dataset: xr.Dataset) -> xr.Dataset:
    """Return the mean over seeds that are done; NaN where there is none.

    Variables without seeds (theory, quantities over all seeds) stay as they are.
    """
    return where_done(dataset).map(
        lambda variable: variable.mean(SEED, skipna=True) if SEED in variable.dims else variable,
        keep_attrs=True,
    )


def sem(dataset: xr.Dataset) -> xr.Dataset:
    """Return the standard error of the mean over seeds, ``std(ddof=1)/sqrt(n)``.

    Here n counts the seeds that are done and have a value; NaN where n < 2. Variables without
    seeds are left out.
    """
    return xr.Dataset(
        {
            name: _sem(variable)
            for name, variable in where_done(dataset).items()
            if SEED in variable.dims
        },
        attrs=dataset.attrs,
    )


def _sem(variable: xr.DataArray) -> xr.DataArray:
    count = variable.count(SEED)
    enough = count >= 2
    # The sum of squared deviations, written out: numpy's var warns where there are no degrees of
    # freedom left.
    deviation = variable - variable.mean(SEED, skipna=True)
    squares = (deviation**2).sum(SEED, skipna=True)
    error = (squares.where(enough) / ((count - 1) * count).where(enough)) ** 0.5
    error.attrs = dict(variable.attrs)
    long_name = variable.attrs.get("long_name", variable.name)
    error.attrs["long_name"] = f"standard error over seeds of: {long_name}"
    return error


def quantiles(dataset: xr.Dataset, q: float | Sequence[float] = (0.16, 0.5, 0.84)) -> xr.Dataset:
    """Return quantiles over seeds that are done, with a leading dimension ``quantile``.

    They interpolate linearly between seeds, as numpy does; NaN where no seed is done. Variables
    without seeds are left out. Unlike a standard error they do not shrink with the number of
    seeds: the default is the range that holds two runs of three.
    """
    values = where_done(dataset)
    kept = [name for name, variable in values.items() if SEED in variable.dims]
    levels = np.atleast_1d(np.asarray(q, dtype=float))

    def of(array: np.ndarray) -> np.ndarray:
        # Sorted with NaN last: numpy's nanquantile warns where nothing is left, and loops.
        ordered = np.sort(array, axis=-1)
        count = np.isfinite(ordered).sum(axis=-1)[..., None]
        place = levels * np.maximum(count - 1, 0)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        first = np.take_along_axis(ordered, low, axis=-1)
        second = np.take_along_axis(ordered, high, axis=-1)
        return np.where(count > 0, first + (place - low) * (second - first), np.nan)

    found = xr.apply_ufunc(
        of,
        values[kept].astype(float),
        input_core_dims=[[SEED]],
        output_core_dims=[["quantile"]],
        keep_attrs=True,
    )
    assert isinstance(found, xr.Dataset)
    return found.transpose("quantile", ...).assign_coords(quantile=levels)


def statistics(dataset: xr.Dataset) -> xr.Dataset:
    """Return every observable's mean over seeds as ``<name>`` and standard error as ``<name>_sem``.

    Counts of seeds by state (``seeds_done``, ``seeds_failed``, ...) come with it. A method
    without seeds comes back as it is, where done.
    """
    result = mean(dataset).drop_vars(BOOKKEEPING, errors="ignore")
    if not has_seeds(dataset):
        return result
    errors = sem(dataset).drop_vars(BOOKKEEPING, errors="ignore")
    result = result.assign({f"{name}_sem": error for name, error in errors.items()})
    counts = {}
    for name, code in _status_codes(dataset).items():
        count = (dataset["status"] == code).sum(SEED)
        count.attrs = {"long_name": f"seeds that are {name}", "units": "1"}
        counts[f"seeds_{name}"] = count
    return result.assign(counts)


def _numeric(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    return {
        str(name): variable
        for name, variable in dataset.data_vars.items()
        if name not in _CODES and variable.dtype.kind in "biuf"
    }
