"""The parts of a report: what each table holds, as rows of text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from dynsweep.agreement import Agreement
from dynsweep.figure import labels
from dynsweep.results import Results
from dynsweep.seeds import flag_codes, status_counts

#: Failed points listed for one reason; the others are counted.
_LISTED = 12

#: Root attributes that say where results come from, in the order shown.
_PROVENANCE = (
    *("model", "model_revision", "program_version", "git_commit", "build_flags", "host"),
    *("ranks", "created", "updated", "mpi_version", "hdf5_version", "openblas_version"),
    *("sundials_version", "overrides", "format_version", "grid_fingerprint", "seed_rule"),
)


@dataclass(frozen=True)
class Table:
    """A table: headings, rows of text, and the columns that hold numbers."""

    columns: list[str]
    rows: list[list[str]]
    numeric: frozenset[int] = field(default_factory=frozenset)


def completeness(results: Results) -> Table:
    """Return how many tasks of each method are in which state, and the time they took."""
    states = [
        state
        for state in ("done", "pending", "failed", "diverged", "suspect", "spared", "excluded")
        if any(status_counts(dataset).get(state) for dataset in results.values())
        or state in ("done", "pending", "failed")
    ]
    rows = []
    for method, dataset in results.items():
        counts = status_counts(dataset)
        seconds = float(np.nansum(dataset["wall_seconds"].values))
        total = sum(counts.values())
        cells = [method, results.kind(method), str(total)]
        cells += [str(counts.get(state, 0)) for state in states]
        rows.append([*cells, duration(seconds)])
    columns = ["method", "kind", "tasks", *states, "core time"]
    return Table(columns, rows, frozenset(range(2, len(columns))))


def duration(seconds: float) -> str:
    """Return a time in the largest fitting unit."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds / 1e-6:.2g} µs" if seconds else "0 s"


def percent(part: float) -> str:
    """Return a part as a percentage of two digits."""
    return f"{100 * part:.0f} %" if part >= 0.095 else f"{100 * part:.2g} %"


def grid(results: Results) -> Table:
    """Return the axes of the grid and their values."""
    found: dict[str, xr.DataArray] = {}
    for dataset in results.values():
        for dim in dataset["status"].dims:
            if dim in dataset.coords:
                found.setdefault(str(dim), dataset.coords[dim])
    rows = []
    for name, values in found.items():
        texts = [_plain(labels.number(value)) for value in values.values.tolist()]
        if len(texts) > 12:
            texts = [*texts[:3], "...", *texts[-2:]]
        meaning = str(values.attrs.get("long_name", ""))
        rows.append([name, str(values.size), ", ".join(texts), meaning])
    return Table(["axis", "values", "", "meaning"], rows, frozenset({1}))


def failures(results: Results) -> Table:
    """Return failed, diverged and suspect tasks, those with one reason together."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for method, dataset in results.items():
        codes = flag_codes(dataset["status"])
        status, errors = dataset["status"].values, dataset["error"].values
        for state in ("failed", "diverged", "suspect"):
            for place in np.argwhere(status == codes.get(state, -1)):
                at = tuple(place.tolist())
                groups[method, state, str(errors[at])].append(_point(dataset["status"], at))
    rows = []
    for (method, state, reason), points in groups.items():
        shown = "; ".join(points[:_LISTED])
        if len(points) > _LISTED:
            shown += f"; and {len(points) - _LISTED} more"
        rows.append([method, state, str(len(points)), reason or "(no reason recorded)", shown])
    return Table(["method", "state", "tasks", "reason", "points"], rows, frozenset({2}))


def _point(status: xr.DataArray, place: tuple[int, ...]) -> str:
    parts = []
    for dim, index in zip(status.dims, place, strict=True):
        value = status.coords[dim].values[index] if dim in status.coords else index + 1
        parts.append(f"{dim}={_plain(labels.number(value))}")
    return " ".join(parts)


def _plain(text: str) -> str:
    """Return a number without mathtext."""
    return text.replace(r" \times 10^{", "e").replace("10^{", "1e").replace("}", "").strip("$")


def agreement(compared: Agreement) -> Table:
    """Return how far every simulation is from every theory."""
    columns = [
        *("observable", "simulation", "theory", "points", "seeds", "rms z", "largest |z|"),
        *("within 2", "largest difference", "where"),
    ]
    rows = []
    for row in compared.rows():
        has_error = row["with_error"] > 0
        z = [f"{row['rms_z']:.2f}", f"{row['max_z']:.1f}", f"{100 * row['within_2']:.0f} %"]
        rows.append(
            [
                *(row["observable"], row["simulation"], row["theory"], str(row["points"])),
                *(str(row["seeds"]), *(z if has_error else ["", "", ""])),
                *(percent(row["max_relative"]), row["worst_at"]),
            ]
        )
    return Table(columns, rows, frozenset(range(3, 9)))


def provenance(results: Results) -> Table:
    """Return where the results come from."""
    rows = []
    for part in results.parts or (results,):
        if results.parts:
            rows.append(["file", str(part.path)])
        for key in _PROVENANCE:
            value: Any = part.attrs.get(key, "")
            if str(value):
                rows.append([key.replace("_", " "), str(value)])
        history = str(part.attrs.get("history", "")).strip()
        if history:
            rows.append(["history", history])
    return Table(["", ""], rows)
