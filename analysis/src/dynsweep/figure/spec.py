"""What a figure shows: asked for on the command line, in the job, or chosen from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import xarray as xr

from dynsweep.figure.scales import Scale
from dynsweep.results import Results, observables
from dynsweep.seeds import SEED, TIME

#: A numeric axis of at least this many values can be a side of a map.
LONG = 12

#: Said for a hue or panels that shall not be used.
NONE = "none"

#: Said for a colour or a panel a method.
METHOD = "method"


class FigureError(ValueError):
    """What was asked for is not in the file; the message says what is."""


@dataclass(frozen=True)
class FigureSpec:
    """A wish: what is None is chosen from the file.

    ``x``, ``hue`` and ``panels`` name axes, ``y`` an observable. When ``hue`` names an observable
    and ``y`` an axis, the figure is a map of that observable over (x, y).
    """

    x: str | None = None
    y: str | None = None
    hue: str | None = None
    panels: str | None = None
    xscale: Scale | None = None
    yscale: Scale | None = None
    #: Values at which other axes are held, by name; the first value else.
    at: Mapping[str, Any] = field(default_factory=dict)
    #: Reference lines, at these values of the horizontal and of the vertical axis.
    xlines: tuple[float, ...] = ()
    ylines: tuple[float, ...] = ()
    #: Only these methods; all that have the observable else.
    methods: tuple[str, ...] = ()
    #: Every run as a thin line instead of means with errors; x may then be an observable too.
    trajectories: bool = False

    @classmethod
    def of_job(cls, job: Mapping[str, Any]) -> FigureSpec:
        """Return the ``figure`` block of a job file (empty when it has none)."""
        block = job.get("figure") or {}
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(block) - known - {"compare"})
        if unknown:
            raise FigureError(
                f"figure block: unknown key {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )
        # ``compare`` is for theory_vs_simulation.
        given = {key: value for key, value in block.items() if key != "compare"}
        for key in ("xlines", "ylines", "methods"):
            value = given.get(key, ())
            given[key] = tuple(value) if isinstance(value, list | tuple) else (value,)
        return cls(**given)

    def over(self, job: FigureSpec) -> FigureSpec:
        """Return this wish, completed by a job's where it says nothing.

        A job's figure is about its own observable: with another ``y`` nothing of it is kept. An
        axis that is used here otherwise is not used as the job says.
        """
        if self.y is not None and job.y is not None and self.y != job.y:
            return self
        if self.trajectories and not job.trajectories:
            # Runs are shown along time, whatever the job shows.
            job = replace(job, x=None, xscale=None, xlines=())
        used = {self.x, self.hue, self.panels, *self.at}
        wishes = {
            role: wish
            for role in ("x", "hue", "panels")
            if (wish := getattr(job, role)) is not None and wish not in used
        }
        wishes |= {"y": job.y, "yscale": job.yscale, "ylines": job.ylines, "methods": job.methods}
        wishes["at"] = {
            name: value
            for name, value in job.at.items()
            if name not in (self.x, self.hue, self.panels)
        } | dict(self.at)
        if self.x in (None, job.x):
            wishes |= {"xscale": job.xscale, "xlines": job.xlines}
        own = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if getattr(self, item.name) not in (None, (), False) and item.name != "at"
        }
        return FigureSpec(**{**wishes, **own})


@dataclass(frozen=True)
class CurvesPlan:
    """Curves of ``y`` over the dimension ``x``, a colour a hue and a panel a value of panels.

    Hue or panels may be ``method`` instead of an axis.
    """

    y: str
    x: str
    hue: str | None
    panels: str | None
    #: Held dimensions and the values they are held at.
    held: dict[str, Any]
    methods: tuple[str, ...]


@dataclass(frozen=True)
class MapPlan:
    """The observable ``colour`` over the axes ``x`` and ``y``."""

    colour: str
    x: str
    y: str
    panels: str | None
    held: dict[str, Any]
    method: str


def plan(results: Results, spec: FigureSpec) -> CurvesPlan | MapPlan:
    """Settle what a figure shows.

    Defaults: the overlap, else the first observable in time, else the first; x is time, else the
    longest numeric axis; hue is the first axis left, panels the next; the others are held at
    their first value. Two long numeric axes and an observable without time make a map, and so does
    a kernel (an observable over two times) when neither x nor hue is asked for.

    :raises FigureError: when something asked for is not there
    """
    names = _all_observables(results)
    if not names:
        raise FigureError(f"{results.path} has no observables")
    if spec.hue in names:
        if spec.y is None:
            raise FigureError(f"hue is the observable {spec.hue!r}: y must name the vertical axis")
        return _plan_map(results, spec, colour=spec.hue, y=spec.y)

    y = _default_observable(results, names) if spec.y is None else spec.y
    if y not in names:
        raise FigureError(f"no observable {y!r}; the file has {', '.join(names)}")
    dims = dimensions(results, y)
    long = [dim for dim in dims if dim != TIME and _is_long(coordinate(results, y, dim))]
    second = _second_time(results, y)
    if second is not None and spec.x is None and spec.hue is None and spec.panels != second:
        return _plan_map(results, replace(spec, x=TIME), colour=y, y=second)
    if TIME not in dims and spec.x in (None, *long) and spec.hue in (None, *long):
        sides = _sides(spec, long)
        if sides is not None:
            return _plan_map(results, replace(spec, x=sides[0]), colour=y, y=sides[1])
    return _plan_curves(results, spec, y, dims)


def _second_time(results: Results, name: str) -> str | None:
    """Return the other time of a kernel: a dimension whose coordinate is that of time."""
    for method in results:
        dims = _dims(results, method, name)
        if TIME not in dims or TIME not in results[method].coords:
            continue
        times = results[method].coords[TIME].values
        for dim in dims:
            if dim == TIME or dim not in results[method].coords:
                continue
            if np.array_equal(results[method].coords[dim].values, times):
                return dim
    return None


def _sides(spec: FigureSpec, long: list[str]) -> tuple[str, str] | None:
    """Return the sides of a map when nothing asked for speaks against one."""
    if len(long) < 2:
        return None
    x = spec.x or next(dim for dim in long if dim != spec.hue)
    return x, spec.hue or next(dim for dim in long if dim != x)


def _plan_curves(results: Results, spec: FigureSpec, y: str, dims: list[str]) -> CurvesPlan:
    left = list(dims)
    portrait = None
    if spec.trajectories:
        if TIME not in dims:
            raise FigureError(f"{y!r} has no time: there are no trajectories of it")
        portrait = spec.x if spec.x in _all_observables(results) else None
        spec = replace(spec, x=TIME if portrait or spec.x is None else spec.x)
        if spec.x != TIME:
            raise FigureError(f"trajectories run along time or an observable, not {spec.x!r}")

    def take(wish: str | None, role: str, default: str | None) -> str | None:
        if wish in (NONE, METHOD):
            return None if wish == NONE else METHOD
        dim = default if wish is None else _dimension(results, y, wish, left, role)
        if dim is not None:
            left.remove(_base(results, y, dim))
        return dim

    x = take(spec.x, "x", None)
    hue_wish = take(spec.hue, "hue", None)
    panels_wish = take(spec.panels, "panels", None)
    if x is None:
        x = take(None, "x", _default_x(results, y, left))
    if x is None:
        raise FigureError(f"{y!r} is a single number: there is nothing to draw it against")
    free = [dim for dim in left if dim not in spec.at and dim != TIME]
    hue = hue_wish or (None if spec.hue == NONE else take(None, "hue", free[0] if free else None))
    free = [dim for dim in free if dim in left]
    panels = panels_wish or (
        None if spec.panels == NONE else take(None, "panels", free[0] if free else None)
    )
    methods = tuple(name for name in results if y in observables(results[name]))
    if portrait is not None:
        left = [dim for dim in left if dim != TIME]
        x = portrait
    return CurvesPlan(y, x, hue, panels, _held(results, y, left, spec), methods)


def _plan_map(results: Results, spec: FigureSpec, colour: str, y: str) -> MapPlan:
    dims = dimensions(results, colour)
    left = list(dims)
    vertical = _dimension(results, colour, y, left, "y")
    left.remove(vertical)
    x = (
        _dimension(results, colour, spec.x, left, "x")
        if spec.x
        else _default_x(results, colour, left)
    )
    if x is None:
        raise FigureError(f"{colour!r} has no axis beside {y!r} to make a map over")
    left.remove(x)
    panels = None
    if spec.panels not in (None, NONE):
        panels = _dimension(results, colour, spec.panels, left, "panels")
        left.remove(panels)
    method = next(name for name in results if {x, vertical} <= set(_dims(results, name, colour)))
    return MapPlan(colour, x, vertical, panels, _held(results, colour, left, spec), method)


def _all_observables(results: Results) -> list[str]:
    return list(
        dict.fromkeys(name for dataset in results.values() for name in observables(dataset))
    )


def _default_observable(results: Results, names: list[str]) -> str:
    in_time = [
        name for name in names if TIME in dimensions(results, name) and name not in ("steps", "t")
    ]
    if "overlap" in in_time:
        return "overlap"
    curves = [name for name in in_time if _second_time(results, name) is None]
    return (curves or in_time or names)[0]


def _dims(results: Results, method: str, name: str) -> tuple[str, ...]:
    dataset = results[method]
    if name not in dataset.data_vars:
        return ()
    return tuple(str(dim) for dim in dataset[name].dims if dim != SEED)


def dimensions(results: Results, name: str) -> list[str]:
    """Return the dimensions of an observable over all methods that have it, without the seeds."""
    found: dict[str, None] = {}
    for method in sorted(results, key=lambda method: -len(_dims(results, method, name))):
        found |= dict.fromkeys(_dims(results, method, name))
    return list(found)


def coordinate(results: Results, y: str, dim: str) -> xr.DataArray:
    """Return the values along a dimension of ``y`` (or of a coordinate along it).

    Values of all methods together, in the order of the first method that has them.
    """
    arrays = [
        _coordinate_of(results[method], dim)
        for method in results
        if y in results[method].data_vars and _has(results[method], y, dim)
    ]
    first = arrays[0]
    values = list(dict.fromkeys(value for array in arrays for value in array.values.tolist()))
    if len(values) == first.size:
        return first
    if first.dtype.kind in "iuf":
        values.sort()
    return xr.DataArray(values, dims=first.dims, name=first.name, attrs=first.attrs)


def _coordinate_of(dataset: xr.Dataset, dim: str) -> xr.DataArray:
    # A dimension without a coordinate counts from 1 (tokens).
    if dim in dataset.coords:
        return dataset.coords[dim]
    return xr.DataArray(np.arange(1, dataset.sizes[dim] + 1), dims=dim, name=dim)


def _has(dataset: xr.Dataset, y: str, dim: str) -> bool:
    if dim in dataset[y].dims:
        return True
    base = dataset.coords[dim].dims if dim in dataset.coords else ()
    return bool(base) and set(base) <= set(dataset[y].dims)


def _base(results: Results, y: str, name: str) -> str:
    """Return the dimension that a coordinate runs along (itself, but for zipped parameters)."""
    return str(coordinate(results, y, name).dims[0])


def _dimension(results: Results, y: str, wish: str, left: list[str], role: str) -> str:
    """Return the dimension (or coordinate along it) that was asked for, by name or symbol."""
    if wish in left:
        return wish
    for dataset in results.values():
        for name, variable in dataset.coords.items():
            symbols = (name, variable.attrs.get("symbol"))
            if wish in symbols and variable.ndim == 1 and variable.dims[0] in left:
                return str(name)
    raise FigureError(
        f"{role}: {y!r} has no free axis {wish!r}; free are {', '.join(left) or 'none'}"
    )


def _default_x(results: Results, y: str, left: list[str]) -> str | None:
    if TIME in left:
        return TIME
    numeric = [dim for dim in left if coordinate(results, y, dim).dtype.kind in "iuf"]
    candidates = numeric or left
    return max(candidates, key=lambda dim: coordinate(results, y, dim).size, default=None)


def _is_long(values: xr.DataArray) -> bool:
    return values.dtype.kind in "iuf" and values.size >= LONG


def _held(results: Results, y: str, left: list[str], spec: FigureSpec) -> dict[str, Any]:
    unknown = [name for name in spec.at if name not in left]
    if unknown:
        raise FigureError(
            f"at: {unknown[0]!r} is no axis left to hold; there are {', '.join(left) or 'none'}"
        )
    held: dict[str, Any] = {}
    for dim in left:
        values = coordinate(results, y, dim)
        if dim not in spec.at:
            # Of a time that is not the horizontal axis, the end is what one wants to see.
            held[dim] = values.values[-1 if dim == TIME else 0].item()
            continue
        held[dim] = _nearest(dim, values, spec.at[dim])
    return held


def _nearest(dim: str, values: xr.DataArray, wish: Any) -> Any:  # noqa: ANN401
    options = values.values.tolist()
    if values.dtype.kind in "iuf":
        try:
            wanted = float(wish)
        except ValueError:
            raise FigureError(f"at: {dim} is a number, not {wish!r}") from None
        nearest = min(options, key=lambda value: abs(value - wanted))
        if dim == TIME or np.isclose(nearest, wanted, rtol=1e-6):
            return nearest
    else:
        match = [value for value in options if str(value).lower() == str(wish).lower()]
        if match:
            return match[0]
    raise FigureError(f"at: {dim} has no value {wish!r}; it has {', '.join(map(str, options))}")
