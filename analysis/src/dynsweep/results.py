"""A result file as one xarray dataset a method."""

from __future__ import annotations

import glob
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import xarray as xr
import yaml

from dynsweep.groups import Engine, open_groups
from dynsweep.join import JoinError, join_method
from dynsweep.seeds import BOOKKEEPING, SEED, has_seeds, statistics, status_counts

#: The root attribute that holds the job file's text.
JOB_ATTRIBUTE = "job"
#: The root attribute that holds, as JSON, what the job says with all overrides in place.
EFFECTIVE_ATTRIBUTE = "effective_job"


class Results(Mapping[str, xr.Dataset]):
    """The methods of a result file (or of several joined), by name.

    ``results["sgd"]``, or ``results.overlap_chain``.

    Every dataset has dimensions (axes..., seed, time) as far as its method has them, the root's
    axes as coordinates and fixed parameters as scalar coordinates. Values are read when used.
    What is not computed (yet) is NaN; ``status`` says why.
    """

    def __init__(
        self,
        path: Path,
        datasets: Mapping[str, xr.Dataset],
        attrs: Mapping[str, Any],
        parts: Iterable[Results] = (),
    ) -> None:
        #: The file, or the first of several.
        self.path = path
        #: The files that were joined; empty for a single file.
        self.parts = tuple(parts)
        #: The root attributes: model, program version, host, times of creation and update, ...
        self.attrs: dict[str, Any] = dict(attrs)
        self._datasets = dict(datasets)

    @property
    def is_complete(self) -> bool:
        """Whether no task is pending, in the file or in the union of the joined ones."""
        return not any(
            status_counts(dataset)[state]
            for dataset in self.values()
            for state in ("pending", "suspect")
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods in the file."""
        return tuple(self._datasets)

    @property
    def job_text(self) -> str:
        """The job file the results came from, as written (empty when the file has none)."""
        return str(self.attrs.get(JOB_ATTRIBUTE, ""))

    @property
    def overrides(self) -> list[str]:
        """The ``--set KEY=VALUE`` arguments of the run."""
        text = str(self.attrs.get("overrides", ""))
        # A list of JSON where one of them has several lines.
        if text.startswith("["):
            return [str(item) for item in json.loads(text)]
        return [line for line in text.split("\n") if line]

    @property
    def job(self) -> dict[str, Any]:
        """What the job says, as the program understood it: with the run's overrides in place.

        Parameters have their canonical names (no aliases and symbols). Empty for files of
        version 0.1, which do not hold it.
        """
        job = json.loads(str(self.attrs.get(EFFECTIVE_ATTRIBUTE, "{}")))
        return job if isinstance(job, dict) else {}

    def kind(self, method: str) -> Literal["simulation", "theory"]:
        """Whether a method simulates or computes a theory."""
        dataset = self[method]
        match dataset.attrs.get("kind"):
            case "simulation":
                return "simulation"
            case "theory":
                return "theory"
        return "simulation" if has_seeds(dataset) else "theory"

    def only(self, methods: Iterable[str]) -> Results:
        """Return these methods of the same file."""
        return Results(self.path, {name: self[name] for name in methods}, self.attrs, self.parts)

    def with_job(self, text: str) -> Results:
        """Return the same results under another job text, whose ``figure`` block then counts.

        A run that finds nothing to do leaves the file as it is, with the job it was made from.

        :raises ValueError: when the text is no job
        """
        try:
            parsed = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"the job cannot be read: {error}") from error
        if not isinstance(parsed, dict):
            raise ValueError("the job cannot be read: it is no mapping")
        effective = json.dumps(parsed, default=str)
        attrs = self.attrs | {JOB_ATTRIBUTE: text, EFFECTIVE_ATTRIBUTE: effective}
        return Results(self.path, self._datasets, attrs, self.parts)

    def statistics(self, method: str) -> xr.Dataset:
        """Mean and standard error over seeds of a method; see :func:`dynsweep.statistics`."""
        return statistics(self[method])

    def close(self) -> None:
        """Close the file; values not read yet cannot be read any more."""
        for part in self.parts:
            part.close()
        for dataset in self._datasets.values():
            dataset.close()

    def __getitem__(self, method: str) -> xr.Dataset:
        try:
            return self._datasets[method]
        except KeyError:
            raise KeyError(
                f"no method {method!r} in {self.path}; it has {', '.join(self.methods)}"
            ) from None

    def __getattr__(self, name: str) -> xr.Dataset:
        datasets: dict[str, xr.Dataset] = self.__dict__.get("_datasets", {})
        for method in (name, name.replace("_", "-")):
            if method in datasets:
                return datasets[method]
        raise AttributeError(f"{type(self).__name__} has neither attribute nor method {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name.replace("-", "_") for name in self.methods)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        model = self.attrs.get("model", "unknown model")
        more = f" and {len(self.parts) - 1} more" if len(self.parts) > 1 else ""
        lines = [f"<dynsweep.Results {self.path}{more}: {model}>"]
        for method, dataset in self.items():
            sizes = ", ".join(f"{name}: {size}" for name, size in dataset.sizes.items())
            counts = status_counts(dataset)
            total = sum(counts.values())
            states = ", ".join(
                f"{count} {state}" for state, count in counts.items() if count and state != "done"
            )
            tasks = f"{counts['done']} of {total} tasks done" + (f", {states}" if states else "")
            names = ", ".join(str(name) for name in observables(dataset))
            lines.append(f"  {method}: {self.kind(method)}, {tasks}")
            lines.append(f"      ({sizes})")
            lines.append(f"      {names}")
        return "\n".join(lines)


def observables(dataset: xr.Dataset) -> list[str]:
    """Return the names of a method's observables: its data variables but the bookkeeping."""
    return [str(name) for name in dataset.data_vars if name not in BOOKKEEPING]


#: What the last 32 bytes of a result file begin and end with (Sources/Results/FileSeal.swift).
_SEAL = 0x4C414553_53575944
#: Larger files are not read as a whole before they are opened.
_CHECKED_SIZE = 1 << 30


def _require_undamaged(path: Path) -> None:
    """Raise when the file's bytes are not the ones that were written: HDF5 may hang on them."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END) - 32
        if not 0 < length <= _CHECKED_SIZE:
            return
        file.seek(length)
        begin, stated_length, stated, end = struct.unpack("<4Q", file.read(32))
        if begin != _SEAL or end != _SEAL or stated_length != length:
            return  # not sealed: cut, or rewritten by another program; opening it will tell
        if stated >> 32:
            return  # of version 0.1, which sealed with another checksum
        file.seek(0)
        checksum = 0
        while length > 0 and (piece := file.read(min(length, 1 << 22))):
            checksum = zlib.crc32(piece, checksum)
            length -= len(piece)
        if checksum != stated:
            raise ValueError(
                f"{path} is damaged: its bytes do not match their checksum. If its journal is still"
                " there, 'dynsweep run' rebuilds it; else restore a copy"
            )


PathLike = str | os.PathLike[str]


def load(file: PathLike | Iterable[PathLike], engine: Engine = "h5netcdf") -> Results:
    """Open a result file, finished or not, lazily; or several as one.

    A running sweep replaces its file as a whole from time to time, so what is opened is always
    consistent; load again to see what is new.

    Several files (a list, or a pattern such as ``results/run-*.h5``) are joined: shards of one
    grid, grids computed apart, partial files. The union has all values of every axis; a parameter
    that is fixed in each file, but not the same, becomes an axis. A task that several files have
    is taken from one that finished it; points that no file has are ``excluded``. Nothing is
    written; ``dynsweep merge`` makes one file.

    :param file: a result file of ``dynsweep run``, a pattern, or several of them
    :param engine: what xarray reads with: ``h5netcdf``, or ``netcdf4`` (package netCDF4)
    :raises FileNotFoundError: when there is no such file
    :raises ValueError: when a file is damaged, is no HDF5 file, or holds no method's results;
        when the files are of different models, or revisions of one, or contradict each other
    """
    parts = [_open(path, engine) for path in _paths(file)]
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    for part in parts:
        if part.attrs.get("model") != first.attrs.get("model"):
            models = f"{first.attrs.get('model')} and {part.attrs.get('model')}"
            raise JoinError(f"{first.path} and {part.path} are of different models: {models}")
        revisions = [int(its.attrs.get("model_revision", 0)) for its in (first, part)]
        if revisions[0] != revisions[1]:
            raise JoinError(
                f"{first.path} and {part.path} are of different revisions of their model, whose"
                f" numbers differ: {revisions[0]} and {revisions[1]}"
            )
    methods = dict.fromkeys(method for part in parts for method in part)
    datasets = {
        method: join_method(method, [part[method] for part in parts if method in part])
        for method in methods
    }
    about_all = ("tasks_", "complete", "grid_fingerprint", "checksum")
    attrs = {key: value for key, value in first.attrs.items() if not key.startswith(about_all)}
    return Results(first.path, datasets, attrs, parts)


def _paths(file: PathLike | Iterable[PathLike]) -> list[Path]:
    """Return the files meant, a pattern's in the order of their names."""
    given = [file] if isinstance(file, str | os.PathLike) else list(file)
    paths: list[Path] = []
    for item in given:
        path = Path(item)
        if path.exists() or not glob.has_magic(str(item)):
            paths.append(path)
            continue
        matching = sorted(map(Path, glob.glob(str(item), recursive=True)))  # noqa: PTH207
        if not matching:
            raise FileNotFoundError(f"no result file matches {item}")
        paths += matching
    if not paths:
        raise FileNotFoundError("no result file was named")
    return list(dict.fromkeys(paths))


def _open(path: Path, engine: Engine) -> Results:
    if not path.exists():
        raise FileNotFoundError(f"no such result file: {path}")
    _require_undamaged(path)
    try:
        groups = open_groups(path, engine)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(
            f"{path} cannot be read: it was cut, damaged, or is no HDF5 file ({error})"
        ) from error
    root = groups["/"]
    datasets = {
        name.strip("/"): _with_root_coordinates(dataset, root)
        for name, dataset in groups.items()
        if name.count("/") == 1 and "status" in dataset.variables
    }
    if not datasets:
        raise ValueError(f"{path} has no group with a 'status': not a result file of dynsweep")
    return Results(path, datasets, root.attrs)


def _with_root_coordinates(dataset: xr.Dataset, root: xr.Dataset) -> xr.Dataset:
    """Add the root's variables over the dataset's dimensions; the dataset's own win."""
    added = {
        name: variable
        for name, variable in root.variables.items()
        if name not in dataset.variables
        and all(dataset.sizes.get(dim) == root.sizes[dim] for dim in variable.dims)
    }
    own = [name for name in dataset.data_vars if name in root.variables or name == SEED]
    dataset = dataset.set_coords(own).assign_coords(added)
    flags = {
        name: variable.astype(bool)
        for name, variable in dataset.coords.items()
        if variable.attrs.get("flag_meanings") == "false true"
    }
    return dataset.assign_coords(flags)
