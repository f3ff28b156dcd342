"""How far simulations are from theory, in standard errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dynsweep.results import Results, observables
from dynsweep.seeds import TIME, has_seeds, statistics

#: Axis values are the same when they agree to this relative precision.
_SAME_PLACE = 1e-9
#: A spread below this part of the value is rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """One observable of a simulation against one of a theory, at the points both have.

    ``dataset`` holds, over these points, ``simulation`` and ``theory`` (means over seeds), their
    ``difference``, its standard ``error`` (of both, added in quadrature) and ``z``, their ratio.
    Where neither has an error (a single run each), or all runs are the same, ``z`` is NaN.
    """

    simulation: str
    theory: str
    observable: str
    dataset: xr.Dataset
    #: The fewest seeds of the simulation at any point; 0 when it has none.
    seeds: int

    @property
    def z(self) -> xr.DataArray:
        """The difference in combined standard errors."""
        found: xr.DataArray = self.dataset["z"]
        return found

    @property
    def worst(self) -> dict[str, Any]:
        """The point of the largest |z| (of the largest relative difference without errors)."""
        shown = self.z if self.z.notnull().any() else self._relative
        values = np.nan_to_num(np.abs(shown.values), nan=-1.0)
        place = np.unravel_index(int(values.argmax()), values.shape)
        return {
            str(dim): (
                shown.coords[dim].values[index].item() if dim in shown.coords else int(index) + 1
            )
            for dim, index in zip(shown.dims, place, strict=True)
        }

    @property
    def _relative(self) -> xr.DataArray:
        """The difference over the observable's largest value."""
        largest = np.nanmax(np.abs(self.dataset["theory"].values))
        found: xr.DataArray = abs(self.dataset["difference"])
        return found / largest if largest > 0 else found

    def row(self) -> dict[str, Any]:
        """Return the summary: a row of the table."""
        z = np.abs(self.z.values[~np.isnan(self.z.values)])
        relative = self._relative.values[np.isfinite(self._relative.values)]
        return {
            "observable": self.observable,
            "simulation": self.simulation,
            "theory": self.theory,
            "points": int(np.isfinite(self.dataset["difference"]).sum()),
            "with_error": z.size,
            "seeds": self.seeds,
            "max_z": float(z.max()) if z.size else math.nan,
            "rms_z": float(np.sqrt((z**2).mean())) if z.size else math.nan,
            "within_2": float((z <= 2).mean()) if z.size else math.nan,
            "max_relative": float(relative.max()) if relative.size else math.nan,
            "worst_at": ", ".join(f"{name}={_short(at)}" for name, at in self.worst.items()),
        }


class Agreement(Sequence[Comparison]):
    """The comparisons of a result file; printed, a table.

    With many points the largest of their |z| is not small even when all is right: of N independent
    points some 4.6 % are beyond 2, and the largest is near ``sqrt(2 ln N)``. With few seeds the
    estimated errors scatter, and the tails are heavier still (Student's t). ``rms_z`` should be
    near 1. Points along time share their runs and are not independent.
    """

    def __init__(self, comparisons: Sequence[Comparison], skipped: Sequence[str]) -> None:
        self._comparisons = tuple(comparisons)
        #: What could not be compared, and why.
        self.skipped = tuple(skipped)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        """Return a comparison by its number, or the first of an observable by its name."""
        if not isinstance(index, str):
            return self._comparisons[index]
        for item in self:
            if item.observable == index:
                return item
        names = ", ".join(dict.fromkeys(item.observable for item in self))
        raise KeyError(f"{index!r} was not compared; there are {names or 'no comparisons'}")

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self._comparisons)

    def __len__(self) -> int:
        return len(self._comparisons)

    def rows(self) -> list[dict[str, Any]]:
        """Return a summary of each comparison."""
        return [item.row() for item in self]

    def table(self) -> Any:  # noqa: ANN401
        """Return the summaries as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def __repr__(self) -> str:
        rows = [{key: _short(value) for key, value in row.items()} for row in self.rows()]
        lines = []
        if rows:
            widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
            lines = [
                "  ".join(text[key].ljust(width) for key, width in widths.items()).rstrip()
                for text in [{key: key for key in widths}, *rows]
            ]
        return "\n".join([*lines, *self.skipped]) or "nothing to compare"


def _short(value: object) -> str:
    if isinstance(value, float):
        if math.isnan(value):
            return "-"
        # A place such as 2000 steps is whole, and 2e+03 is hard to read.
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.3g}"
    return str(value)


def theory_vs_simulation(
    results: Results,
    names: Sequence[str] | str | None = None,
    *,
    simulation: Sequence[str] | str | None = None,
    theory: Sequence[str] | str | None = None,
    tolerance: float = 0.0,
) -> Agreement:
    """Compare simulations with their theories, observable by observable and point by point.

    Which theory a simulation has is said here, or in the job (``figure: {compare: {amp: bayes}}``);
    else every simulation is compared with every theory, and in a file without a theory the first
    simulation with the others.

    Points are compared where both have values: at equal axis values and recording times, nothing
    is interpolated. A theory that does not depend on an axis is compared at all its values, one
    that the job fixes at a value (``per_method``) at this value; a theory without
    time says where things end, and is compared at the simulation's last time. A
    theory with seeds (Monte Carlo) brings its own standard error.

    :param names: the observables; all that both have when None
    :param simulation: the methods to test; those the job names, else those of kind simulation,
        when None
    :param theory: what to test them against; those the job names, else those of kind theory, when
        None
    :param tolerance: an error of the theory, as a part of the observable's largest value, that is
        added in quadrature: finite-size terms or an integrator's accuracy. Without it z is huge
        where runs have all but converged and their spread is next to nothing
    :raises KeyError: when the file has no method of a name that is given here
    """
    wanted = _listed(names)
    comparisons, skipped = [], []
    for tested, against in _pairs(results, _listed(simulation), _listed(theory)):
        shared = [
            name
            for name in observables(results[tested])
            if name in observables(results[against]) and (not wanted or name in wanted)
        ]
        for name in shared:
            if not wanted and (name in ("steps", "t") or not _is_numeric(results[tested][name])):
                continue
            found = _compare(results, name, tested, against, tolerance)
            if isinstance(found, Comparison):
                comparisons.append(found)
            else:
                skipped.append(f"{name}: {tested} against {against}: {found}")
    for name in wanted:
        if not any(item.observable == name for item in comparisons):
            skipped.append(f"{name}: no simulation and theory both have it")
    return Agreement(comparisons, list(dict.fromkeys(skipped)))


def _pairs(results: Results, simulations: list[str], theories: list[str]) -> list[tuple[str, str]]:
    """Return which method is tested against which: as given, as the job says, all with all."""
    if not simulations and not theories:
        said = (results.job.get("figure") or {}).get("compare") or {}
        stated = [(tested, name) for tested, names in said.items() for name in _listed(names)]
        # The job is that of the whole grid: a file may be without some of its methods.
        there = [pair for pair in stated if set(pair) <= set(results)]
        if there:
            return there
    theories = theories or [name for name in results if results.kind(name) == "theory"]
    simulations = simulations or [
        name for name in results if results.kind(name) == "simulation" and name not in theories
    ]
    if not theories and len(simulations) > 1:
        theories, simulations = simulations[1:], simulations[:1]
    return [(tested, against) for tested in simulations for against in theories]


def _listed(names: Sequence[str] | str | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _is_numeric(variable: xr.DataArray) -> bool:
    return variable.dtype.kind == "f" and "flag_meanings" not in variable.attrs


def _compare(
    results: Results, name: str, tested: str, against: str, tolerance: float
) -> Comparison | str:
    """Return the comparison, or why there is none."""
    one, seeds = _mean_and_error(results[tested], name)
    other, _ = _mean_and_error(results[against], name)
    if TIME in one.dims and TIME not in other.dims:
        one = one.isel({TIME: [-1]})
    one = _only_at(one, results[against])
    other = _only_at(other, results[tested])
    places = {}
    for dim in one.dims:
        if not one.sizes[dim]:
            return f"no common {dim}"
        if dim in other.dims:
            mine, theirs = _common(_values(one, str(dim)), _values(other, str(dim)))
            if not mine.size:
                return f"no common {dim}"
            places[str(dim)] = (mine, theirs)
    other = other.squeeze(
        [dim for dim in other.dims if dim not in one.dims and other.sizes[dim] == 1]
    )
    extra = [str(dim) for dim in other.dims if dim not in one.dims]
    if extra:
        return f"{against} has the axis {extra[0]}, {tested} has not"
    one = one.isel({dim: mine for dim, (mine, _) in places.items()})
    other = other.isel({dim: theirs for dim, (_, theirs) in places.items()})
    # The simulation's own coordinates: equal ones may differ in their last digit.
    other = other.drop_vars(list(other.coords)).assign_coords(
        {dim: one.coords[dim] for dim in places if dim in one.coords}
    )
    both = xr.Dataset(
        {"simulation": one["mean"], "theory": other["mean"].broadcast_like(one["mean"])}
    ).load()
    both["difference"] = both["simulation"] - both["theory"]
    allowed = tolerance * float(np.nanmax(np.abs(both["theory"].values), initial=0))
    error = _combined(one["error"], other["error"])
    both["error"] = (error**2 + allowed**2) ** 0.5
    if not np.isfinite(both["difference"]).any():
        return "no point is done in both"
    scale = np.maximum(abs(both["simulation"]), abs(both["theory"]))
    # Runs that all end at 1, say, have a spread of rounding: no measure of anything.
    both["z"] = both["difference"] / both["error"].where(both["error"] > _ROUNDING * scale)
    return Comparison(tested, against, name, both.transpose(*one.dims), seeds)


def _only_at(values: xr.Dataset, partner: xr.Dataset) -> xr.Dataset:
    """Return the values where the partner is, along axes at which it is fixed (``per_method``)."""
    for dim in map(str, values.dims):
        if dim in partner.coords and dim not in partner.dims and partner.coords[dim].ndim == 0:
            mine, _ = _common(_values(values, dim), np.atleast_1d(partner.coords[dim].values))
            values = values.isel({dim: mine})
    return values


def _mean_and_error(dataset: xr.Dataset, name: str) -> tuple[xr.Dataset, int]:
    source = str(dataset[name].attrs.get("seed_mean_of", name))
    needed = {name, source, "status"} & set(map(str, dataset.data_vars))
    over = statistics(dataset[sorted(needed)])
    mean = over[name].astype(float)
    error = over.get(f"{source}_sem")
    if error is None:
        error = xr.full_like(mean, np.nan)
    seeds = (
        int(over["seeds_done"].where(over["seeds_done"] > 0).min())
        if (has_seeds(dataset) and bool((over["seeds_done"] > 0).any()))
        else 0
    )
    mean = mean.where(np.isfinite(mean))
    found = xr.Dataset({"mean": mean, "error": error.astype(float)})
    return found.drop_vars([c for c in found.coords if c not in found.dims]), seeds


def _combined(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    """Add errors in quadrature; one that is not known counts as none, two make NaN."""
    squares = one.fillna(0) ** 2 + other.fillna(0) ** 2
    return (squares**0.5).where(one.notnull() | other.notnull())


def _values(dataset: xr.Dataset, dim: str) -> NDArray[Any]:
    if dim in dataset.coords:
        return np.asarray(dataset.coords[dim].values)
    return np.arange(dataset.sizes[dim])


def _common(one: NDArray[Any], other: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where the values are that both have."""
    if one.dtype.kind in "iuf" and other.dtype.kind in "iuf":
        same = np.isclose(one[:, None], other[None, :], rtol=_SAME_PLACE, atol=0)
    else:
        same = one[:, None] == other[None, :]
    pairs = np.argwhere(same)
    return pairs[:, 0], pairs[:, 1]
