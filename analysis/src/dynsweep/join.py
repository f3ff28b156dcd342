"""Several result files as one: shards of a grid, grids computed apart, partial files."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dynsweep.lazy import Computed, Joined, Source
from dynsweep.seeds import SEED, flag_codes, mean

#: Which result of a task counts, when several files have one; what is not here counts least.
_PRECEDENCE = ("done", "diverged", "failed", "suspect", "pending", "spared")

#: Of the tasks that two files have, so many are compared.
_COMPARED = 16

Index = NDArray[np.intp]


class JoinError(ValueError):
    """The files do not belong together; the message says why."""


@dataclass(frozen=True)
class _Dimension:
    """The values along a dimension of the whole, and where those of each file are among them."""

    size: int
    values: xr.Variable | None
    places: list[Index]


def join_method(name: str, parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the union of one method's results from several files, read when used.

    A parameter that is fixed in each file, but not the same, becomes an axis. Where several files
    have a task, a finished one counts. Points of the union that no file has are ``excluded``.

    :raises JoinError: when the files contradict each other
    """
    if len(parts) == 1:
        return parts[0]
    axes = _axes(parts)
    dims: dict[str, _Dimension] = {}
    names = dict.fromkeys(str(dim) for part in parts for dim in part.dims)
    for dim in dict.fromkeys((*axes, *names)):
        dims[dim] = _dimension(name, dim, parts)
    tasks = [*axes, *([SEED] if SEED in parts[0]["status"].dims else [])]
    origin = _origin(parts, dims, tasks)
    sources = [
        Source(part, {dim: places.places[number] for dim, places in dims.items()})
        for number, part in enumerate(parts)
    ]
    whole = xr.Dataset(attrs=parts[0].attrs)
    variables = dict.fromkeys(variable for part in parts for variable in part.data_vars)
    for variable in variables:
        first = next(part[variable] for part in parts if variable in part)
        if set(tasks) <= set(axes) | set(first.dims):
            own = [str(dim) for dim in first.dims if dim not in (*axes, SEED)]
            target = [*tasks, *own]
            fill = flag_codes(first).get("excluded", 4) if variable == "status" else None
            shape = tuple(dims[dim].size for dim in target)
            data = Joined(str(variable), target, shape, sources, origin, tasks, fill)
            whole[variable] = xr.Variable(target, data.lazy(), first.attrs)
    for variable in variables:
        if variable not in whole:
            first = next(part[variable] for part in parts if variable in part)
            whole[variable] = _mean_over_seeds(whole, first, axes, dims)
    whole = whole.assign_coords(_coordinates(name, parts, dims))
    _compare(name, whole, sources, origin, tasks)
    return whole


def _axes(parts: Sequence[xr.Dataset]) -> list[str]:
    """Return the axes of the whole: those of any file, and fixed parameters that differ."""
    found = {
        str(dim): None
        for part in sorted(parts, key=lambda part: -part["status"].ndim)
        for dim in part["status"].dims
        if dim != SEED
    }
    scalars = [
        {str(name): value.item() for name, value in part.coords.items() if value.ndim == 0}
        for part in parts
    ]
    leading: dict[str, list[Any]] = {}
    for name in scalars[0]:
        values = [part.get(name) for part in scalars]
        if name in found or len(set(values)) == 1:
            continue
        # What moves together with a parameter found before is no axis of its own.
        if not any(_follows(values, other) for other in leading.values()):
            leading[name] = values
    return [*leading, *found]


def _follows(values: list[Any], other: list[Any]) -> bool:
    return len(set(zip(other, values, strict=True))) == len(set(other))


def _dimension(name: str, dim: str, parts: Sequence[xr.Dataset]) -> _Dimension:
    if not any(dim in part.coords for part in parts):
        sizes = [part.sizes.get(dim, 0) for part in parts]
        return _Dimension(max(sizes), None, [np.arange(size) for size in sizes])
    for part in parts:
        if dim not in part.coords:
            source = part.encoding.get("source", "a file")
            raise JoinError(f"{name}: {source} says nothing of {dim!r}, an axis of the others")
    base = dim.removesuffix("_index")
    if base != dim and any(base in part.coords for part in parts):
        arrays = [part.coords[base].values for part in parts if base in part.coords]
        if len(arrays) < len(parts) or not all(np.array_equal(a, arrays[0]) for a in arrays):
            raise JoinError(f"{name}: {base!r} differs, and its values are arrays")
    lists = [np.atleast_1d(part.coords[dim].values) for part in parts]
    values, places = _union(lists)
    attrs = parts[0].coords[dim].attrs
    return _Dimension(values.size, xr.Variable(dim, values, attrs), places)


def _union(lists: list[NDArray[Any]]) -> tuple[NDArray[Any], list[Index]]:
    """Return all values once, and where those of each list are; equal is equal to 12 digits."""
    values = np.concatenate(lists)
    if values.dtype.kind in "iuf":
        inverse = np.empty(values.size, dtype=np.intp)
        order = np.argsort(values, kind="stable")
        ordered = values[order].astype(float)
        new = np.diff(ordered) > 1e-12 * np.abs(ordered[1:])
        inverse[order] = np.concatenate([[0], np.cumsum(new)])
    else:
        seen: dict[Any, int] = {}
        inverse = np.array([seen.setdefault(value, len(seen)) for value in values.tolist()])
    first = np.unique(inverse, return_index=True)[1]
    if values.dtype.kind in "iuf" and any(np.any(np.diff(part) < 0) for part in lists):
        # A job's own order, when it is not the increasing one.
        rank = np.argsort(np.argsort(first))
        inverse, first = rank[inverse], np.sort(first)
    places = np.split(inverse, np.cumsum([part.size for part in lists])[:-1])
    return values[first], places


def _origin(
    parts: Sequence[xr.Dataset], dims: dict[str, _Dimension], tasks: list[str]
) -> NDArray[np.int32]:
    """Return which file each task is taken from; -1 for none."""
    shape = tuple(dims[dim].size for dim in tasks)
    origin = np.full(shape, -1, dtype=np.int32)
    best = np.full(shape, -1, dtype=np.int32)
    for number, part in enumerate(parts):
        codes = flag_codes(part["status"])
        status = _over(part["status"], tasks)
        merit = np.zeros(status.shape, dtype=np.int32)
        for place, state in enumerate(reversed(_PRECEDENCE), start=1):
            merit[status == codes.get(state, -1)] = place
        here = np.ix_(*(dims[dim].places[number] for dim in tasks))
        better = merit > best[here]
        origin[here] = np.where(better, number, origin[here])
        best[here] = np.maximum(merit, best[here])
    return origin


def _over(variable: xr.DataArray, dims: list[str]) -> NDArray[Any]:
    """Return the values with these dimensions, of size one where the variable has none."""
    present = [dim for dim in dims if dim in variable.dims]
    shape = [variable.sizes.get(dim, 1) for dim in dims]
    return np.asarray(variable.transpose(*present).values).reshape(shape)


def _mean_over_seeds(
    whole: xr.Dataset, first: xr.DataArray, axes: list[str], dims: dict[str, _Dimension]
) -> xr.Variable:
    """Return a mean over seeds anew: those of the files are over the seeds of each."""
    source = str(first.attrs.get("seed_mean_of", ""))
    if source not in whole:
        raise JoinError(f"{first.name!r} is over all seeds, and cannot be joined")
    target = [*axes, *(str(dim) for dim in first.dims if dim not in axes)]
    shape = tuple(dims[dim].size for dim in target)

    def compute() -> NDArray[Any]:
        over = mean(whole[[source, "status"]])[source]
        return np.asarray(over.transpose(*target).values)

    return xr.Variable(target, Computed(shape, first.dtype, compute).lazy(), first.attrs)


def _coordinates(
    name: str, parts: Sequence[xr.Dataset], dims: dict[str, _Dimension]
) -> dict[Hashable, xr.Variable]:
    found: dict[Hashable, xr.Variable] = {
        dim: made.values for dim, made in dims.items() if made.values is not None
    }
    axes = _axes(parts)
    for coordinate in dict.fromkeys(key for part in parts for key in part.coords):
        if coordinate in found:
            continue
        having = [
            (n, part.coords[coordinate])
            for n, part in enumerate(parts)
            if coordinate in part.coords
        ]
        first = having[0][1]
        same = all(np.array_equal(first.values, other.values) for _, other in having)
        if same and len(having) == len(parts) and not set(map(str, first.dims)) & set(dims):
            found[coordinate] = first.variable
            continue
        over = [axis for axis in axes if any(axis in other.dims for _, other in having)]
        more = [axis for axis in axes if axis not in over]
        # It may follow an axis that was a fixed parameter in each file, or several.
        for added in ([], *([axis] for axis in more), more):
            target = [axis for axis in axes if axis in (*over, *added)]
            target += [str(dim) for dim in first.dims if dim not in axes]
            made = _placed(having, target, dims)
            if made is not None:
                found[coordinate] = made
                break
        else:
            raise JoinError(f"{name}: {coordinate!r} has two values at one point")
    return found


def _placed(
    having: list[tuple[int, xr.DataArray]], target: list[str], dims: dict[str, _Dimension]
) -> xr.Variable | None:
    """Return a coordinate over these dimensions; None when it has two values at one place."""
    first = having[0][1]
    shape = [dims[dim].size if dim in dims else first.sizes[dim] for dim in target]
    values = np.full(shape, None, dtype=object)
    for number, part in having:
        places = [
            dims[dim].places[number] if dim in dims else np.arange(size)
            for dim, size in zip(target, shape, strict=True)
        ]
        here = np.ix_(*places)
        old = np.asarray(values[here], dtype=object)
        new = np.broadcast_to(_over(part, target).astype(object), old.shape)
        known = np.array([not _is_missing(value) for value in old.ravel()], dtype=bool)
        if np.any(old.ravel()[known] != new.ravel()[known]):
            return None
        values[here] = new
    return xr.Variable(target, _plain(values, first.dtype.kind), first.attrs)


def _is_missing(value: object) -> bool:
    return value is None or value != value


def _plain(values: NDArray[Any], kind: str) -> NDArray[Any]:
    """Return objects as numbers or texts."""
    if kind in "iuf":
        numbers = np.where(values == None, np.nan, values).astype(float)  # noqa: E711
        whole = kind in "iu" and bool(np.isfinite(numbers).all())
        return numbers.astype(np.int64) if whole else numbers
    if kind == "b" and not any(_is_missing(value) for value in values.ravel()):
        return values.astype(bool)
    texts = np.array([("" if _is_missing(value) else str(value)) for value in values.ravel()])
    return texts.reshape(values.shape)


def _compare(
    name: str,
    whole: xr.Dataset,
    sources: list[Source],
    origin: NDArray[np.int32],
    tasks: list[str],
) -> None:
    """Raise when a task that two files finished has two results; some of such tasks are compared.

    ``dynsweep merge`` compares all, bit by bit.
    """
    codes = flag_codes(whole["status"])
    for number, source in enumerate(sources):
        status = _over(source.dataset["status"], tasks)
        shared = (status == codes.get("done", 1)) & (
            origin[np.ix_(*(source.places[dim] for dim in tasks))] != number
        )
        cells = np.argwhere(shared)
        for cell in cells[:: max(1, len(cells) // _COMPARED)][:_COMPARED]:
            mine = dict(zip(tasks, cell.tolist(), strict=True))
            theirs = {dim: int(source.places[dim][place]) for dim, place in mine.items()}
            for variable in source.dataset.data_vars:
                array = source.dataset[variable]
                if array.dtype.kind != "f" or variable == "wall_seconds":
                    continue
                if "seed_mean_of" in array.attrs:
                    continue
                one = array.isel({dim: mine[dim] for dim in tasks if dim in array.dims})
                other = whole[variable].isel(theirs)
                other = other.isel(
                    {
                        str(dim): source.places[str(dim)]
                        for dim in one.dims
                        if str(dim) in source.places
                    }
                )
                if not np.array_equal(
                    one.values, other.transpose(*one.dims).values, equal_nan=True
                ):
                    raise JoinError(
                        f"{name}: two files have different {variable!r} of one task, at {theirs}"
                    )
