"""Arrays that are read from files, or computed, when their values are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Source:
    """A file's dataset, and where its values are along each dimension of the whole."""

    dataset: xr.Dataset
    places: Mapping[str, Index]

    def inverse(self, dim: str, size: int) -> Index:
        """Return, for each value of the whole, its place in this file, or -1."""
        found = np.full(size, -1, dtype=np.intp)
        found[self.places[dim]] = np.arange(self.places[dim].size)
        return found


class _Lazy(BackendArray):
    """An array that xarray indexes before it asks for values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:  # noqa: ANN401
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        raise NotImplementedError

    def lazy(self) -> indexing.LazilyIndexedArray:
        """Return this as the data of an ``xarray.Variable``."""
        return indexing.LazilyIndexedArray(self)


class Joined(_Lazy):
    """One variable of several files, each task's values from the file that ``origin`` names.

    ``tasks`` are the leading dimensions, those of ``origin``.
    """

    def __init__(
        self,
        name: str,
        dims: Sequence[str],
        shape: tuple[int, ...],
        sources: Sequence[Source],
        origin: NDArray[np.int32],
        tasks: Sequence[str],
        fill: object = None,
    ) -> None:
        self._name, self._dims, self._tasks = name, list(dims), list(tasks)
        self._sources, self._origin = list(sources), origin
        self.shape = shape
        types = [source.dataset[name].dtype for source in sources if name in source.dataset]
        self.dtype = np.result_type(*types)
        if fill is None:
            fill = {"f": np.nan, "i": -1, "U": "", "O": "", "b": False}.get(self.dtype.kind, 0)
        self._fill = fill

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        chosen = [
            np.atleast_1d(np.arange(size)[part]) for size, part in zip(self.shape, key, strict=True)
        ]
        values = np.full([part.size for part in chosen], self._fill, dtype=self.dtype)
        count = len(self._tasks)
        origin = self._origin[np.ix_(*chosen[:count])] if count else self._origin
        for number in np.unique(origin):
            if number >= 0 and self._name in self._sources[number].dataset:
                self._copy(self._sources[number], origin == number, chosen, values)
        whole = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)
        return values[whole]

    def _copy(
        self,
        source: Source,
        is_here: NDArray[np.bool_],
        chosen: list[Index],
        values: NDArray[Any],
    ) -> None:
        """Copy what one file has of the chosen places."""
        variable = source.dataset[self._name].variable
        wanted, targets = {}, []
        for dim, size, part in zip(self._dims, self.shape, chosen, strict=True):
            places = source.inverse(dim, size)[part]
            targets.append(np.flatnonzero(places >= 0))
            if dim in variable.dims:
                wanted[dim] = _as_slice(places[places >= 0])
        read = variable.isel(wanted).transpose(*(dim for dim in self._dims if dim in wanted)).values
        read = np.asarray(read).reshape([part.size for part in targets])
        here = np.ix_(*targets)
        mask = is_here[np.ix_(*targets[: is_here.ndim])]
        mask = mask.reshape(mask.shape + (1,) * (read.ndim - mask.ndim))
        values[here] = np.where(mask, read, values[here])


class Computed(_Lazy):
    """An array that is computed as a whole when it is first used."""

    def __init__(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], compute: Callable[[], NDArray[Any]]
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._compute = compute
        self._values: NDArray[Any] | None = None

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        if self._values is None:
            self._values = self._compute()
        values = self._values
        for axis in reversed(range(values.ndim)):
            values = values[(slice(None),) * axis + (key[axis],)]
        return values


def _as_slice(places: Index) -> Index | slice:
    """Return neighbouring places as a slice, which files read at once."""
    if places.size and np.array_equal(places, np.arange(places[0], places[0] + places.size)):
        return slice(int(places[0]), int(places[0]) + places.size)
    return places
