"""Files that lie: result files, journals and rank files that were changed on purpose and whose checksums were made anew.

``RESULTS`` changes an open result file (h5py), ``RESULT_BYTES`` and ``JOURNALS`` the bytes of one, ``RANK_FILES`` makes
one; each by a name that says what is wrong. ``walk`` puts one before every command. All of it may be used to build
further liars: ``seal`` and ``rehash`` make checksums anew, ``frame`` wraps a journal's record.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator

import h5py
import numpy as np

from conftest import TESTBENCH, environment
from faults import MAGIC, TASK, frames

#: A job with texts, two methods, several statuses and a mean over seeds.
JOB = """
model: trial
methods: [walk, sampled]
parameters: {index: {range: [0, 3, 1]}, fate: [done, throw, diverge]}
seeds: 3
record: {times: [0, 5, 10]}
output: out.h5
"""

MASK = (1 << 64) - 1
PRIMES = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
)  # fmt: skip


def xxh64(data: bytes, seed: int = 0) -> int:
    """XXH64, as Sources/Results/Checksum.swift has it."""
    p1, p2, p3, p4, p5 = PRIMES

    def rotate(value: int, by: int) -> int:
        return (value << by | value >> (64 - by)) & MASK

    def turn(lane: int, word: int) -> int:
        return rotate((lane + word * p2) & MASK, 31) * p1 & MASK

    at, size = 0, len(data)
    if size >= 32:
        lanes = [(seed + p1 + p2) & MASK, (seed + p2) & MASK, seed, (seed - p1) & MASK]
        while at + 32 <= size:
            lanes = [turn(lane, word) for lane, word in zip(lanes, struct.unpack_from("<4Q", data, at), strict=True)]
            at += 32
        value = sum(rotate(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane in lanes:
            value = ((value ^ turn(0, lane)) * p1 + p4) & MASK
    else:
        value = (seed + p5) & MASK
    value = (value + size) & MASK
    while at + 8 <= size:
        value = (rotate(value ^ turn(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & MASK
        at += 8
    if at + 4 <= size:
        value = (rotate(value ^ (struct.unpack_from("<I", data, at)[0] * p1 & MASK), 23) * p2 + p3) & MASK
        at += 4
    for byte in data[at:]:
        value = rotate(value ^ (byte * p5 & MASK), 11) * p1 & MASK
    value = (value ^ value >> 33) * p2 & MASK
    value = (value ^ value >> 29) * p3 & MASK
    return value ^ value >> 32


# Result files.


def seal(path: pathlib.Path) -> None:
    """Makes the checksum of a whole file anew (Sources/Results/FileSeal.swift), over what HDF5 left."""
    magic = struct.pack("<Q", 0x4C41455353575944)
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size >= 32:
            file.seek(size - 32)
            old = file.read()
            if old[:8] == magic and old[-8:] == magic:
                size -= 32
                file.truncate(size)
        file.seek(0)
        crc = 0
        while piece := file.read(1 << 24):
            crc = zlib.crc32(piece, crc)
        file.write(magic + struct.pack("<QQ", size, crc) + magic)


def rehash(file: h5py.File) -> None:
    """Makes the checksum of every variable anew, where one can be made."""

    def visit(name: str, item: h5py.HLObject) -> None:
        stated = item.attrs.get("checksum") if isinstance(item, h5py.Dataset) else None
        if not isinstance(stated, str) or "rows=" not in stated or item.size is None or item.size > 1 << 20:
            return
        rows = int(stated.split("rows=")[1].split()[0])
        if not 0 <= rows <= item.ndim:
            return
        values = np.asarray(item[()])
        total = 0
        for index, row in enumerate(values.reshape((int(np.prod(item.shape[:rows], dtype=int)), -1))):
            if values.dtype.kind == "O":
                text = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
                blank, data = not text, text
            else:
                data = row.tobytes()
                leaf = name.rsplit("/", 1)[-1]
                blank = (
                    (values.dtype.kind == "f" and bool(np.isnan(row).all()))
                    or (leaf == "status" and not row.any())
                    or (leaf in ("mpi_rank", "build") and bool((row == -1).all()))
                )
            total += 0 if blank else xxh64(data, index)
        item.attrs["checksum"] = f"xxh64 rows={rows} {total & MASK:016x}"

    file.visititems(visit)
    if "checksum" in file.attrs and isinstance(file.attrs["checksum"], str):
        names = file.attrs["checksum"].split()[1]
        text = "".join(f"{name}\n{file.attrs.get(name, '')}\n" for name in names.split(","))
        file.attrs["checksum"] = f"xxh64 {names} {xxh64(text.encode()):016x}"


Edit = Callable[[h5py.File], None]


def attribute(name: str, value: object, at: str = "/", **how: object) -> Edit:
    def edit(file: h5py.File) -> None:
        file[at].attrs.pop(name, None)
        file[at].attrs.create(name, value, **how)

    return edit


def replaced(name: str, make: Callable[[h5py.Group, str, h5py.Dataset], object], *, attrs: bool = True) -> Edit:
    """Puts another thing in a dataset's place, with its attributes where it takes them."""

    def edit(file: h5py.File) -> None:
        old = file[name]
        kept = {key: old.attrs[key] for key in old.attrs if key not in ("CLASS", "NAME", "REFERENCE_LIST")}
        group, leaf = old.parent, name.rsplit("/", 1)[-1]
        along = []
        if old.is_scale:
            for other in [item for item in group.values() if isinstance(item, h5py.Dataset) and not item.is_scale]:
                for index, dimension in enumerate(other.dims):
                    if any(scale == old for scale in dimension.values()):
                        along.append((other, index))
                        dimension.detach_scale(old)
        file.move(name, "moved-" + leaf)
        make(group, leaf, old)
        if along and isinstance(group.get(leaf), h5py.Dataset) and group[leaf].shape is not None:
            group[leaf].make_scale(leaf)
            for other, index in along:
                other.dims[index].attach_scale(group[leaf])
        if attrs and isinstance(group.get(leaf, getlink=True), h5py.HardLink):
            for key, value in kept.items():
                if key != "DIMENSION_LIST":
                    group[leaf].attrs[key] = value
        del file["moved-" + leaf]

    return edit


def shaped(name: str, shape: tuple[int, ...] | None, dtype: object = None, *, scales: bool = True, **how: object) -> Edit:
    """A dataset of another shape or type, which was never written."""

    def make(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
        if shape is None:
            new = group.create_dataset(leaf, data=h5py.Empty(dtype or old.dtype))
        else:
            how.setdefault("fillvalue", None if old.dtype.kind == "O" or dtype == TEXT else old.fillvalue)
            # h5py asks more of chunks than HDF5 does, unless the shape may grow.
            grows = tuple(None for _ in shape) if "chunks" in how else None
            new = group.create_dataset(leaf, shape=shape, dtype=dtype or old.dtype, maxshape=grows, **how)
        if scales and shape is not None:
            for index, dimension in enumerate(old.dims):
                if index < len(shape):
                    for scale in dimension.values():
                        new.dims[index].attach_scale(scale)

    return replaced(name, make)


def holding(name: str, data: object, **how: object) -> Edit:
    return replaced(name, lambda group, leaf, old: group.create_dataset(leaf, data=data, **how))


def link(name: str, to: object) -> Edit:
    def edit(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = to

    return edit


def values(name: str, value: object) -> Edit:
    def edit(file: h5py.File) -> None:
        file[name][...] = value

    return edit


def raw_chunk(name: str, data: bytes, mask: int = 0) -> Edit:
    def edit(file: h5py.File) -> None:
        dataset = file[name]
        dataset.id.write_direct_chunk((0,) * dataset.ndim, data, mask)

    return edit


def fletcher32(data: bytes) -> bytes:
    """What HDF5's filter of that name adds."""
    words = np.frombuffer(data + bytes(len(data) % 2), ">u2").astype(np.uint64)
    first, second = 0, 0
    for word in words.tolist():
        first = (first + word) % 65535
        second = (second + first) % 65535
    # The library's sums have 65535 where the remainder is 0, unless nothing was added.
    if words.any():
        first, second = first or 65535, second or 65535
    return struct.pack("<I", second << 16 | first)


def packed_chunk(name: str, plain: bytes) -> Edit:
    packed = zlib.compress(plain, 1)
    return raw_chunk(name, packed + fletcher32(packed))


def virtual(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype=old.dtype, maxshape=(None,))
    # Its length is that of the other file's: to be asked for it opens that.
    source = h5py.VirtualSource("fifo", "x", shape=(4,), dtype=old.dtype, maxshape=(None,))
    layout[0 : h5py.h5s.UNLIMITED] = source[0 : h5py.h5s.UNLIMITED]
    group.create_virtual_dataset(leaf, layout)


def external(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
    group.create_dataset(leaf, shape=old.shape, dtype=old.dtype, external=[("fifo", 0, h5py.h5f.UNLIMITED)])


def compact(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(old.shape)
    h5py.h5d.create(group.id, leaf.encode(), old.id.get_type(), space, creation).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(old[()])
    )


def committed(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
    group[leaf + "_type"] = old.dtype
    group.create_dataset(leaf, data=old[()], dtype=group[leaf + "_type"])


def filtered(*filters: tuple[int, int, tuple[int, ...]]) -> Callable[[h5py.Group, str, h5py.Dataset], object]:
    """A dataset with these filters, written through the library."""

    def make(group: h5py.Group, leaf: str, old: h5py.Dataset) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk(old.chunks)
        for number, flags, numbers in filters:
            creation.set_filter(number, flags, numbers)
        space = h5py.h5s.create_simple(old.shape)
        new = h5py.h5d.create(group.id, leaf.encode(), old.id.get_type(), space, creation)
        new.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(old[()]))

    return make


def many_members(file: h5py.File) -> None:
    for index in range(70_000):
        file["walk"].create_group(str(index))


def cycle(file: h5py.File) -> None:
    file["walk"]["again"] = file["walk"]
    file["walk"]["root"] = file["/"]


def list_of_scales(value: object, **how: object) -> Edit:
    return attribute("DIMENSION_LIST", value, "walk/status", **how)


def scales_elsewhere(file: h5py.File) -> None:
    """References to a group, and to nothing."""
    status = file["walk/status"]
    shape = status.ndim
    del status.attrs["DIMENSION_LIST"]
    lists = np.empty(shape, dtype=object)
    for index in range(shape):
        lists[index] = np.array([file["walk"].ref], dtype=h5py.ref_dtype)
    status.attrs.create("DIMENSION_LIST", lists, dtype=h5py.vlen_dtype(h5py.ref_dtype))


def both(*edits: Edit) -> Edit:
    def edit(file: h5py.File) -> None:
        for one in edits:
            one(file)

    return edit


FAR = 1 << 40
TEXT = h5py.string_dtype()

#: What may be wrong with a result file, by name.
RESULTS: dict[str, Edit] = {
    # Attributes: their type, rank and size.
    "format_version is an array": attribute("format_version", np.zeros(7000, np.int64)),
    "format_version is a text": attribute("format_version", "1", dtype=TEXT),
    "format_version is a float": attribute("format_version", 1.0),
    "format_version is huge": attribute("format_version", np.uint64(MASK)),
    "format_version is negative": attribute("format_version", np.int64(-(1 << 63))),
    "format_version is nothing": attribute("format_version", h5py.Empty(np.int64)),
    "title is an array": attribute("title", ["x"] * 5000, dtype=TEXT),
    "title is one in an array": attribute("title", ["x"], dtype=TEXT),
    "title is a number": attribute("title", 3),
    "title is nothing": attribute("title", h5py.Empty(TEXT)),
    "title is of fixed length": attribute("title", np.bytes_("x" * 60_000)),
    "title is long": attribute("title", "x" * 20_000_000, dtype=TEXT),
    "title is bytes": attribute("title", b"\xff\xfe\x80", dtype=h5py.string_dtype("ascii")),
    "format is of fixed length": attribute("format", np.bytes_("dynsweep-results")),
    "job is an array": attribute("job", ["x"] * 1000, dtype=TEXT),
    "job is a table": attribute("job", np.zeros((20, 30), np.int8)),
    "job is garbage": attribute("job", "[{" * 5000, dtype=TEXT),
    "job is another": attribute("job", "model: trial\nmethods: [walk]\nseeds: 2\nrecord: {times: [1]}\n", dtype=TEXT),
    "job is vast": attribute(
        "job", "model: trial\nmethods: [walk]\nseeds: 4000000000000\nrecord: {times: [1]}\n", dtype=TEXT),
    "overrides are an array": attribute("overrides", ["x"] * 3, dtype=TEXT),
    "overrides are garbage": attribute("overrides", "\n=\nx\n", dtype=TEXT),
    "methods name one twice": attribute("methods", "walk walk", dtype=TEXT),
    "methods name none": attribute("methods", "", dtype=TEXT),
    "methods name what is not there": attribute("methods", "walk run", dtype=TEXT),
    "methods name the root": attribute("methods", ".", dtype=TEXT),
    "methods name a path": attribute("methods", "walk/../sampled walk/status", dtype=TEXT),
    "methods name a dataset": attribute("methods", "index walk", dtype=TEXT),
    "grid_fingerprint is another": attribute("grid_fingerprint", "0123456789abcdef", dtype=TEXT),
    "grid_fingerprint is none": attribute("grid_fingerprint", "xyz", dtype=TEXT),
    "history is garbage": attribute("history", "a, b, c\n, ,\n9999 started on x, 99999999999999999999 ranks, version 1"),
    "model_revision is another": attribute("model_revision", np.int64(1 << 62)),
    "checksum has rows=-1": attribute("checksum", "xxh64 rows=-1 0", "walk/status", dtype=TEXT),
    "checksum has many rows": attribute("checksum", "xxh64 rows=999999999999 0", "walk/status", dtype=TEXT),
    "checksum has rows beyond numbers": attribute("checksum", f"xxh64 rows={1 << 70} 0", "walk/status", dtype=TEXT),
    "checksum is a number": attribute("checksum", 7, "walk/status"),
    "checksum is an array": attribute("checksum", ["x"] * 900, "walk/position", dtype=TEXT),
    "checksum of the texts is an array": attribute("checksum", ["x"] * 900, dtype=TEXT),
    "checksum of the texts names a number": attribute("checksum", "xxh64 ranks,ranks 0", dtype=TEXT),
    "tasks_done is an array": attribute("tasks_done", np.arange(5000), "walk"),
    "CLASS is a number": attribute("CLASS", 7, "walk/index"),
    "CLASS is long": attribute("CLASS", np.bytes_("D" * 30_000), "walk/index"),
    "CLASS is an array": attribute("CLASS", np.array([b"DIMENSION_SCALE"] * 999), "walk/index"),
    "DIMENSION_LIST is a number": list_of_scales(3),
    "DIMENSION_LIST is numbers": list_of_scales(np.arange(1000)),
    "DIMENSION_LIST is texts": list_of_scales(["a"] * 800, dtype=TEXT),
    "DIMENSION_LIST is nothing": list_of_scales(h5py.Empty(np.int64)),
    "DIMENSION_LIST is missing": lambda file: file["walk/status"].attrs.__delitem__("DIMENSION_LIST"),
    "DIMENSION_LIST leads to a group": scales_elsewhere,
    # Shapes.
    "status of 2^40": shaped("walk/status", (FAR,), chunks=(1 << 20,)),
    "status of 2^62": shaped("walk/status", (1 << 62,), scales=False, chunks=(1 << 20,)),
    "status of 2^20 x 2^20 x 2^20": shaped("walk/status", (1 << 20,) * 3, scales=False, chunks=(1, 1, 1 << 16)),
    "status of 0 x 2^62": shaped("walk/status", (0, 1 << 62), scales=False, chunks=(1, 1 << 10)),
    "status of 0": shaped("walk/status", (0, 3, 3), chunks=(1, 3, 3)),
    "status is a scalar": shaped("walk/status", (), scales=False),
    "status is nothing": shaped("walk/status", None, scales=False),
    "status has fewer dimensions": shaped("walk/status", (4, 3)),
    "status has more dimensions": shaped("walk/status", (4, 3, 3, 2)),
    "status is longer": shaped("walk/status", (9, 3, 3)),
    "status is in one piece of 2^40": shaped("walk/status", (FAR,), scales=False),
    "wall_seconds of 2^40": shaped("walk/wall_seconds", (FAR,), chunks=(1 << 16,)),
    "wall_seconds are fewer": shaped("walk/wall_seconds", (4, 3, 1)),
    "wall_seconds are flat": shaped("walk/wall_seconds", (36,), scales=False),
    "error has another rank": shaped("walk/error", (36,), scales=False),
    "error is shorter": shaped("walk/error", (2, 3, 3)),
    "mpi_rank of 2^40": shaped("walk/mpi_rank", (FAR,), chunks=(1 << 16,)),
    "position of 2^40 times": shaped("walk/position", (4, 3, 3, FAR), chunks=(1, 1, 1, 1 << 16)),
    "position of 2^30 x 2^30": shaped("walk/position", (1 << 30, 1 << 30), scales=False, chunks=(1, 1 << 16)),
    "position has chunks of one": shaped("walk/position", (4, 3, 3, 1 << 34), chunks=(1, 1, 1, 1)),
    "position has a huge chunk": shaped("walk/position", (4, 3, 3, 1 << 28), chunks=(1, 1, 1, 1 << 28)),
    "position has no times": shaped("walk/position", (4, 3, 3, 0), chunks=(4, 3, 3, 1)),
    "position has no tasks": shaped("walk/position", (3,), scales=False),
    "position is of other tasks": shaped("walk/position", (3, 3, 4, 3), scales=False),
    "last has a dimension more": shaped("walk/last", (4, 3, 3, 7)),
    "a coordinate is shorter": holding("walk/index", np.arange(2)),
    "a coordinate is longer": holding("walk/index", np.arange(200)),
    "a coordinate of 2^40": shaped("walk/index", (FAR,)),
    "a coordinate is a table": holding("walk/index", np.zeros((4, 2), np.int64)),
    "a coordinate is a scalar": holding("walk/index", 4),
    "a coordinate is nothing": shaped("walk/index", None, scales=False),
    "a coordinate of floats": holding("walk/index", np.array([np.nan, 1e300, np.inf, -1e308])),
    "a coordinate of extremes": holding("walk/index", np.array([-(1 << 63), (1 << 63) - 1, 0, 1 << 53])),
    "a coordinate of other integers": holding("walk/index", np.arange(4, dtype=np.uint16)),
    "a coordinate is missing": lambda file: file["walk"].__delitem__("index"),
    "texts are numbers": holding("walk/fate", np.arange(3)),
    "texts are shorter": holding("walk/fate", ["a"], dtype=TEXT),
    "texts are long": holding("walk/fate", ["x" * 9_000_000, "y\x1b[2J", "z,\n\""], dtype=TEXT),
    "texts are of fixed length": holding("walk/fate", np.array([b"a", b"b", b"c"])),
    "times are shorter": holding("walk/time", np.array([1.0])),
    "times are texts": holding("walk/time", ["a", "b", "c"], dtype=TEXT),
    "times are missing": lambda file: file["walk"].__delitem__("time"),
    "the seeds are shorter": holding("walk/seed", np.arange(1)),
    # Types.
    "status of doubles": shaped("walk/status", (4, 3, 3), np.float64, chunks=(4, 3, 3)),
    "status of texts": shaped("walk/status", (4, 3, 3), TEXT, chunks=(4, 3, 3)),
    "status of unsigned bytes": shaped("walk/status", (4, 3, 3), np.uint8, chunks=(4, 3, 3)),
    "status of an enumeration": shaped(
        "walk/status", (4, 3, 3), h5py.enum_dtype({"a": 0, "b": 99}, np.int8), chunks=(4, 3, 3)),
    "status is out of range": values("walk/status", 99),
    "status is negative": values("walk/status", -1),
    "status is of two kinds that need records": values("walk/status", 1),
    "wall_seconds of floats": shaped("walk/wall_seconds", (4, 3, 3), np.float32, chunks=(4, 3, 3)),
    "wall_seconds are not": values("walk/wall_seconds", np.inf),
    "wall_seconds are negative": values("walk/wall_seconds", -1e300),
    "mpi_rank is negative": values("walk/mpi_rank", -(1 << 31)),
    "error of numbers": shaped("walk/error", (4, 3, 3), np.int32, chunks=(4, 3, 3)),
    "error of sequences": shaped("walk/error", (4, 3, 3), h5py.vlen_dtype(np.int32), chunks=(4, 3, 3)),
    "errors are long": values("walk/error", "e" * 100_000),
    "errors of one character": values("walk/error", "e" + "\u0301" * 50_000),
    "position of integers": shaped("walk/position", (4, 3, 3, 3), np.int64, chunks=(4, 3, 3, 3), fillvalue=0),
    "position of a record": shaped(
        "walk/position", (4, 3, 3, 3), np.dtype([("a", np.float64)]), chunks=(4, 3, 3, 3), fillvalue=None),
    "position is big-endian": shaped("walk/position", (4, 3, 3, 3), np.dtype(">f8"), chunks=(4, 3, 3, 3)),
    "position is infinite": values("walk/position", np.inf),
    "position is filled with zeros": shaped("walk/position", (4, 3, 3, 3), chunks=(4, 3, 3, 3), fillvalue=0),
    "position of opaque bytes": shaped(
        "walk/position", (4, 3, 3, 3), np.dtype("V8"), chunks=(4, 3, 3, 3), fillvalue=None),
    "status of a committed type": replaced("walk/status", committed),
    # Where it lies.
    "status is made of other files": replaced("walk/status", virtual),
    "status is in another file": replaced("walk/status", external),
    "status is compact": replaced("walk/status", compact),
    "a coordinate is in another file": replaced("walk/index", external),
    "a chunk is short": packed_chunk("walk/position", bytes(64)),
    "a chunk is a byte": raw_chunk("walk/position", b"x"),
    "a chunk is garbage": raw_chunk("walk/position", bytes(range(256)) * 4),
    "a chunk is unfiltered": raw_chunk("walk/position", bytes(64), 7),
    "a chunk is a bomb": packed_chunk("walk/position", bytes(1 << 30)),
    "a chunk of texts is short": raw_chunk("walk/error", zlib.compress(bytes(16), 1)),
    "a chunk of texts leads anywhere": raw_chunk(
        "walk/error", zlib.compress(struct.pack("<IQI", 1 << 31, 1 << 62, 1 << 31) * 36, 1)),
    "a chunk of texts leads to no heap": raw_chunk(
        "walk/error", zlib.compress(struct.pack("<IQI", 100, 64, 1) * 36, 1)),
    "deflated three times": replaced(
        "walk/position", filtered((1, 0, (9,)), (1, 0, (9,)), (1, 0, (9,)))),
    "filters in another order": replaced("walk/position", filtered((1, 0, (1,)), (2, 0, (8,)), (3, 0, ()))),
    "shuffled as another type": replaced("walk/position", filtered((2, 0, (3,)), (1, 0, (1,)))),
    "scaled and offset": replaced("walk/mpi_rank", filtered((6, 0, (2, 0)))),
    # Names and links.
    "a method is a soft link": both(lambda file: file.move("walk", "other"), link("walk", h5py.SoftLink("/other"))),
    "a method is a soft link to itself": link("walk", h5py.SoftLink("/walk")),
    "a method is in another file": link("walk", h5py.ExternalLink("fifo", "/walk")),
    "a method is in a file that is not there": link("walk", h5py.ExternalLink("nowhere.h5", "/walk")),
    "a method is in this file": link("walk", h5py.ExternalLink("out.h5", "/sampled")),
    "a method is a dataset": link("walk", 7),
    "a method is a type": link("walk", np.dtype("f8")),
    "a method is missing": lambda file: file.__delitem__("walk"),
    "a method is empty": both(lambda file: file.__delitem__("walk"), lambda file: file.create_group("walk")),
    "a method is another": link("walk", h5py.SoftLink("sampled")),
    "two methods are one": lambda file: (file.__delitem__("walk"), file.__setitem__("walk", file["sampled"]))[0],
    "a method holds itself": cycle,
    "a method has 70000 members": many_members,
    "status is a group": both(lambda file: file["walk"].__delitem__("status"), lambda f: f.create_group("walk/status")),
    "status is a link to a FIFO": link("walk/status", h5py.ExternalLink("fifo", "/x")),
    "status is a soft link": both(lambda f: f.move("walk/status", "walk/s"), link("walk/status", h5py.SoftLink("s"))),
    "status is missing": lambda file: file["walk"].__delitem__("status"),
    "error is missing": lambda file: file["walk"].__delitem__("error"),
    "position is missing": lambda file: file["walk"].__delitem__("position"),
    "a stranger is a link to a FIFO": link("walk/stranger", h5py.ExternalLink("fifo", "/x")),
    "a stranger at the root is a link to a FIFO": link("stranger", h5py.ExternalLink("fifo", "/x")),
    "a stranger of any type": lambda file: file["walk"].create_dataset("stranger", data=np.zeros(3, "c16")),
    "a stranger with a fill value": lambda file: file["walk"].create_dataset("stranger", data=[1.0]).attrs.create(
        "_FillValue", np.nan),
}  # fmt: skip


def heap_edit(change: Callable[[bytearray, int], None]) -> Callable[[bytes], bytes]:
    """Changes every collection of texts."""

    def edit(data: bytes) -> bytes:
        changed = bytearray(data)
        at = changed.find(b"GCOL\x01\0\0\0")
        while at >= 0:
            change(changed, at)
            at = changed.find(b"GCOL\x01\0\0\0", at + 1)
        return bytes(changed)

    return edit


def put(form: str, offset: int, value: int) -> Callable[[bytes], bytes]:
    return heap_edit(lambda data, at: struct.pack_into(form, data, at + offset, value))


#: Of these, what ends the library that would make their checksums anew.
UNREADABLE = {name for name in RESULTS if name.startswith("a chunk")}

#: What may be wrong with the bytes of a result file, below what its library writes.
RESULT_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "a collection of texts is huge": put("<Q", 8, 1 << 62),
    "a collection of texts is tiny": put("<Q", 8, 3),
    "a text is huge": put("<Q", 24, 1 << 62),
    "a text is longer than its collection": put("<Q", 24, 1 << 20),
    "a text is a little longer": put("<Q", 24, 4000),
    "a text is nothing": put("<Q", 24, 0),
    "a text has another number": put("<H", 16, 60_000),
    "no text is left": put("<H", 16, 0),
    "the file's end is beyond": lambda data: data[:40] + struct.pack("<Q", 1 << 40) + data[48:],
    "chunks lie elsewhere": lambda data: data.replace(b"TREE\x01\0", b"TREE\x01\x05"),
    "chunks are countless": lambda data: data.replace(b"TREE\x01\0\x01\0", b"TREE\x01\0\xff\xff"),
}


# Journals.


def frame(body: bytes, seed: int, length: int | None = None) -> bytes:
    """A record of a journal (Sources/Results/RecordFrame.swift); `length` may lie."""
    padding = bytes(-len(body) % 8)
    return MAGIC + struct.pack("<IQ", len(body) if length is None else length, xxh64(body, seed)) + body + padding


def task_body(
    *, status: int = 1, method: int = 0, point: int = 0, seed: int = 0, rank: int = 0, buffers: list[list[float]] = (),
    error: bytes = b"", count: int | None = None, lengths: list[int] | None = None, error_length: int | None = None,
) -> bytes:
    """A task's record (Sources/Results/TaskRecord.swift); counts and lengths may lie."""
    lengths = [len(buffer) for buffer in buffers] if lengths is None else lengths
    head = struct.pack(
        "<BB2xIQQIIdI4x", TASK, status, method & 0xFFFFFFFF, point, seed, rank & 0xFFFFFFFF,
        len(lengths) if count is None else count, 1.0, len(error) if error_length is None else error_length,
    )
    table = struct.pack(f"<{len(lengths)}I", *lengths)
    table += bytes(-len(table) % 8)
    text = error + bytes(-len(error) % 8)
    return head + table + text + b"".join(struct.pack(f"<{len(buffer)}d", *buffer) for buffer in buffers)


def header_of(journal: bytes) -> dict:
    return json.loads(next(body for _, body in frames(journal) if body[:1] == b"\0")[8:])


def appended(*bodies: bytes) -> Callable[[bytes], bytes]:
    """The journal with these records at its end, seeded as it is."""
    return lambda data: data + b"".join(frame(body, header_of(data)["grid"]) for body in bodies)


def with_header(**changes: object) -> Callable[[bytes], bytes]:
    """The journal under another header, both copies."""

    def edit(data: bytes) -> bytes:
        header = header_of(data) | changes
        body = bytes(8) + json.dumps(header).encode()
        rest = [(at, one) for at, one in frames(data) if one[:1] != b"\0"]
        return frame(body, 0) * 2 + data[rest[0][0] :]

    return edit


def headless(data: bytes) -> bytes:
    """Both headers damaged, and every record too; what is left still looks like records."""
    changed = bytearray(data)
    for at, body in frames(data):
        changed[at + 16 + len(body) // 2] ^= 255
    return bytes(changed)


GOOD = [[0.0] * 3, [0.0], [0.0] * 3]
JSON = b"\x02" + bytes(7)

#: What may be wrong with a journal, by name.
JOURNALS: dict[str, Callable[[bytes], bytes]] = {
    "an event of 2 bytes": appended(b"\x02\0"),
    "an event of a byte": appended(b"\x02"),
    "a header of 2 bytes": lambda data: data + frame(b"\0\0", 0),
    "a header of nothing": lambda data: frame(bytes(8), 0) + data,
    "an empty record": appended(b""),
    "a record of an unknown kind": appended(b"\x63" + bytes(60)),
    "records of every kind of 1 to 50 bytes": appended(
        *(bytes([kind]) + bytes(size) for kind in range(5) for size in range(50))),
    "an event that is no JSON": appended(JSON + b"\xff\xfe{{{{"),
    "an event that is deep": appended(JSON + b"[" * 100_000),
    "an event of other types": appended(JSON + b'{"kind":7,"time":[],"host":{},"ranks":"x"}'),
    "an event with huge ranks": appended(
        JSON + b'{"kind":"started","time":"x","host":"y","ranks":9223372036854775807,"programVersion":"z"}'),
    "a task far away": appended(task_body(point=1 << 62, buffers=GOOD)),
    "a task beyond numbers": appended(task_body(point=MASK, seed=MASK, buffers=GOOD)),
    "a task of another method": appended(task_body(method=1 << 31, buffers=GOOD)),
    "a seed far away": appended(task_body(seed=1 << 62, buffers=GOOD)),
    "an unknown status": appended(task_body(status=200)),
    "pending and excluded are recorded": appended(task_body(status=0), task_body(status=4)),
    "done without values": appended(task_body(status=1)),
    "two values too few": appended(task_body(buffers=[[0.0]] * 3)),
    "a buffer too many": appended(task_body(buffers=[*GOOD, [0.0]])),
    "values beyond the record": appended(task_body(lengths=[1 << 31] * 3)),
    "buffers beyond the record": appended(task_body(count=0xFFFFFFFF)),
    "an error beyond the record": appended(task_body(status=2, error_length=0xFFFFFFFF)),
    "an error that is no text": appended(task_body(status=2, seed=1, error=b"\xff\x00\x1b[2J" * 200)),
    "errors with NUL": lambda data: data + b"".join(
        frame(task_body(status=2, method=method, point=point, error=b"a\0b"), header_of(data)["grid"])
        for method in range(2) for point in range(12)),
    "an error of 300 kB": appended(task_body(status=2, seed=1, error=b"e" * 300_000)),
    "a negative rank": appended(task_body(status=2, rank=-(1 << 31))),
    "values that are no numbers": appended(task_body(buffers=[[float("inf")] * 3, [1e308], [float("nan")] * 3])),
    "a length of 4 GB": lambda data: data + MAGIC + struct.pack("<IQ", 0xFFFFFFFF, 0) + bytes(100),
    "a length beyond the end": lambda data: data + frame(bytes(40), 0, length=1000),
    "a header of another job": with_header(jobText="model: trial\nmethods: [walk]\nrecord: {times: [1]}\n"),
    "a header of no job": with_header(jobText="{{{{"),
    "a header of no grid": with_header(grid=0),
    "a header of a later format": with_header(format=1 << 60),
    "a header of a vast job": with_header(
        jobText="model: trial\nmethods: [walk]\nseeds: 4000000000000\nrecord: {times: [1]}\n"),
    "a header of wrong types": lambda data: frame(bytes(8) + b'{"format":"x","grid":-1}', 0) * 2 + data[1:],
    "a header that is deep": lambda data: frame(bytes(8) + b"[" * 100_000, 0) * 2 + data[1:],
    "no header, and only remnants of records": headless,
    "nothing": lambda data: b"",
    "zeros": lambda data: bytes(len(data)),
    "magic all over": lambda data: MAGIC * 20_000,
    "frames without bodies": lambda data: (MAGIC + bytes(12)) * 5000,
}  # fmt: skip


# Rank files (Sources/Results/RankFile.swift).

PAGE = 4096
RANK_MAGIC = 0x31524B4E52535944


def rank_file(
    grid: int, *, flight: dict[int, int] | None = None, entries: tuple[dict[int, int], ...] = (), state: bytes = b"",
    size: int | None = None,
) -> bytes:
    """A rank file; `flight` sets words of its page by number, each of `entries` words of a sealed checkpoint."""
    words = [0] * (PAGE // 8)
    words[0], words[1] = RANK_MAGIC, grid
    for index, value in (flight or {}).items():
        words[index] = value
    for number, entry in enumerate(entries):
        own = [1, PAGE, len(state), xxh64(state, grid), 0, 0, 0, 0, 0, 0, grid]
        for index, value in entry.items():
            own[index] = value
        own.append(xxh64(struct.pack("<11Q", *own), RANK_MAGIC))
        words[32 + 16 * number : 44 + 16 * number] = own
    data = struct.pack(f"<{len(words)}Q", *words) + state
    return data if size is None else data[:size]


#: Of a task in flight: it runs (2), how it ended (3), signal, detail, number, then method (7), point, seed, identity,
#: rank (12) and since (13).
RUNS = {2: 1, 3: 2}

#: Rank files, by what is wrong with them; made for a grid.
RANK_FILES: dict[str, Callable[[int], bytes]] = {
    "a point of 2^62": lambda grid: rank_file(grid, flight=RUNS | {8: 1 << 62}),
    "a point of 2^63": lambda grid: rank_file(grid, flight=RUNS | {8: 1 << 63}),
    "a point and a seed of 2^62": lambda grid: rank_file(grid, flight=RUNS | {8: 1 << 62, 9: (1 << 63) - 1}),
    "a seed of 2^62": lambda grid: rank_file(grid, flight=RUNS | {9: 1 << 62}),
    "a method of 2^62": lambda grid: rank_file(grid, flight=RUNS | {7: 1 << 62}),
    "a rank and a time beyond all": lambda grid: rank_file(grid, flight=RUNS | {12: MASK, 13: MASK}),
    "an unknown fate": lambda grid: rank_file(grid, flight=RUNS | {3: MASK, 4: MASK, 5: MASK, 6: MASK}),
    "a fate without a limit": lambda grid: rank_file(grid, flight={2: 1, 3: 3, 5: MASK}),
    "memory without a limit": lambda grid: rank_file(grid, flight={2: 1, 3: 4, 5: MASK}),
    "a number at its end": lambda grid: rank_file(grid, flight=RUNS | {6: MASK}),
    "a checkpoint beyond the file": lambda grid: rank_file(grid, entries=({1: (1 << 63) - 1, 2: (1 << 63) - 1},)),
    "a checkpoint of negative length": lambda grid: rank_file(grid, entries=({2: MASK},)),
    "a checkpoint in the page": lambda grid: rank_file(grid, entries=({1: 0, 2: PAGE},)),
    "a checkpoint that is the last": lambda grid: rank_file(grid, entries=({0: MASK},), state=bytes(64)),
    "a checkpoint of a far task": lambda grid: rank_file(grid, entries=({5: 1 << 62, 6: 1 << 62},), state=bytes(64)),
    "a checkpoint of garbage": lambda grid: rank_file(grid, entries=({},), state=bytes(range(256))),
    "two checkpoints in one place": lambda grid: rank_file(grid, entries=({0: 1}, {0: 1}), state=bytes(64)),
    "a short page": lambda grid: rank_file(grid, flight=RUNS, size=100),
    "nothing": lambda grid: b"",
}  # fmt: skip


# Every command before such files.

#: Commands and the exit codes that they may have; FILE is the one that lies.
COMMANDS: dict[str, tuple[tuple[str, ...], set[int]]] = {
    "status": (("status", "out.h5", "--failures", "50", "--slowest", "50"), {0, 1, 2, 75}),
    "validate": (("validate", "out.h5"), {0, 1, 75}),
    "export walk": (("export", "out.h5", "--csv", "--method", "walk", "-o", "walk.csv"), {0, 2}),
    "export sampled": (("export", "out.h5", "--csv", "--method", "sampled"), {0, 2}),
    "plan": (("plan", "job.yaml"), {0, 2}),
    "merge": (("merge", "out.h5", "whole.h5", "-o", "merged.h5"), {0, 1, 2}),
    "merge alone": (("merge", "out.h5", "-o", "merged.h5"), {0, 1, 2}),
    "share": (("run", "job.yaml", "--shard", "1/2"), {0, 1, 2}),
    "run": (("run", "job.yaml"), {0, 1, 2}),
    "grow": (("run", "job.yaml", "--set", "seeds=4"), {0, 1, 2}),
}

#: No command needs more address space for these few tasks, nor more seconds.
MOST_MEMORY = 3 << 30
MOST_SECONDS = 60


@dataclasses.dataclass
class Answer:
    command: str
    code: int
    words: str
    #: What is wrong with the answer; empty when nothing is.
    problem: str


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def answer(folder: pathlib.Path, name: str, arguments: tuple[str, ...], codes: set[int]) -> Answer:
    """What a command says in `folder`, within the bounds."""
    try:
        done = subprocess.run(
            [str(TESTBENCH), *arguments], cwd=folder, env=environment(), capture_output=True, timeout=MOST_SECONDS,
            preexec_fn=limit, stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Answer(name, -1, "", f"{name} did not end within {MOST_SECONDS} s")
    words = (done.stdout + done.stderr).decode(errors="replace")
    problem = ""
    if done.returncode not in codes:
        problem = f"{name} ended with {done.returncode}: {words[-600:]}"
    elif done.returncode == 2 and not done.stderr.strip():
        problem = f"{name} refuses without a word"
    elif name == "validate" and done.returncode and not done.stdout.strip():
        problem = "validate finds fault without a word"
    return Answer(name, done.returncode, words, problem)


def walk(
    whole: pathlib.Path, folder: pathlib.Path, files: dict[str, bytes], commands: Iterable[str] = COMMANDS
) -> Iterator[Answer]:
    """Puts the same `files` (suffix after ``out.h5``: bytes) before the commands, each in a folder of its own.

    `whole` is an intact result file of ``JOB``; a FIFO that nobody writes to lies beside all of them as ``fifo``.
    """
    for number, name in enumerate(commands):
        arguments, codes = COMMANDS[name]
        own = folder / str(number)
        own.mkdir(parents=True)
        (own / "job.yaml").write_text(JOB)
        os.mkfifo(own / "fifo")
        shutil.copy(whole, own / "whole.h5")
        for suffix, data in files.items():
            (own / f"out.h5{suffix}").write_bytes(data)
        yield answer(own, name, arguments, codes)
        shutil.rmtree(own)


def edited(whole: pathlib.Path, folder: pathlib.Path, edit: Edit, *, rehashed: bool) -> bytes:
    """The bytes of `whole` after an edit, with its checksums made anew."""
    path = folder / "edited.h5"
    shutil.copy(whole, path)
    with h5py.File(path, "r+", libver=("earliest", "v110")) as file:
        edit(file)
        if rehashed:
            try:
                rehash(file)
            except (OSError, ValueError, KeyError, TypeError, RuntimeError):
                pass  # what cannot be read has no checksum
    seal(path)
    return path.read_bytes()


def edited_bytes(whole: pathlib.Path, folder: pathlib.Path, edit: Callable[[bytes], bytes]) -> bytes:
    path = folder / "edited.h5"
    path.write_bytes(edit(whole.read_bytes()[:-32]))
    seal(path)
    return path.read_bytes()
