"""Faults of disk and clock put under the real binary, and a look into its journal."""

from __future__ import annotations

import collections
import functools
import hashlib
import os
import pathlib
import struct
import subprocess
from collections.abc import Iterator

from conftest import assert_same

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / ".build"


@functools.cache
def library() -> pathlib.Path:
    """The built ``faults.c``."""
    source = HERE / "faults.c"
    name = "faults-" + hashlib.sha256(source.read_bytes()).hexdigest()[:12] + ".so"
    built = BUILD / name
    if not built.exists():
        BUILD.mkdir(exist_ok=True)
        partial = BUILD / f"{name}.{os.getpid()}"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", partial, source, "-ldl", "-lpthread"],
            check=True,
        )
        partial.rename(built)
    return built


def rule(**what: object) -> str:
    """One rule of ``DYNSWEEP_FAULTS`` (see faults.c): ``rule(call="write", path=".journal", do="ENOSPC")``."""
    return ",".join(f"{key}={value}" for key, value in what.items())


def environment_of(
    *rules: str, log: pathlib.Path | None = None, clock: Clock | None = None, sleep: float | None = None
) -> dict[str, str]:
    """The environment that puts faults under a program."""
    env = {"LD_PRELOAD": str(library())}
    if rules:
        env["DYNSWEEP_FAULTS"] = ";".join(rules)
    if log:
        env["DYNSWEEP_FAULTS_LOG"] = str(log)
    if clock:
        env["DYNSWEEP_CLOCK"] = str(clock.path)
    if sleep is not None:
        env["DYNSWEEP_SLEEP"] = str(sleep)
    return env


class Clock:
    """The clocks of the programs that run with it; each may be moved at any moment."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        path.write_bytes(bytes(16))

    def set(self, *, wall: float = 0, monotonic: float = 0) -> None:
        """Both run so many seconds ahead from now on."""
        with open(self.path, "r+b") as file:
            file.write(struct.pack("<qq", int(wall * 1e9), int(monotonic * 1e9)))


# The journal, as Sources/Results/RecordFrame.swift and TaskRecord.swift write it.

MAGIC = struct.pack("<I", 0x9C525344)
TASK = 1
STATUS = ("pending", "done", "failed", "diverged", "excluded", "spared", "suspect")


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and body of every whole record of a journal (checksums are left to the program)."""
    at = 0
    while (at := data.find(MAGIC, at)) >= 0:
        length = struct.unpack_from("<I", data, at + 4)[0] if at + 16 <= len(data) else len(data)
        if at + 16 + length > len(data):
            at += 1
            continue
        yield at, data[at + 16 : at + 16 + length]
        at += 16 + (length + 7 & ~7)


def task_records(data: bytes) -> list[tuple[tuple[int, int, int], str]]:
    """(method, point, seed) and status of every task record of a journal, in their order."""
    found = []
    for _, body in frames(data):
        if body[:1] == bytes([TASK]):
            method, point, seed = struct.unpack_from("<IQQ", body, 4)
            found.append(((method, point, seed), STATUS[body[1]]))
    return found


def done_tasks(data: bytes) -> list[tuple[int, int, int]]:
    """Of every record that says "done", its task."""
    return [task for task, status in task_records(data) if status == "done"]


class Trial:
    """A sweep of the trial model in a sandbox of its own, and the file it must end with."""

    def __init__(self, sandbox, whole: pathlib.Path, job: str) -> None:
        self.sandbox = sandbox
        self.folder: pathlib.Path = sandbox.folder
        self.whole = whole
        sandbox.write(job)
        self.kept: pathlib.Path = self.folder / "kept.journal"

    @property
    def file(self) -> pathlib.Path:
        return self.folder / "out.h5"

    @property
    def journal(self) -> pathlib.Path:
        return self.folder / "out.h5.journal"

    def run(self, *rules: str, code: int | None = 0, ranks: int | None = None, **faults):
        env = environment_of(*rules, **faults) if rules or faults else None
        return self.sandbox.run("run", "job.yaml", code=code, ranks=ranks, env=env, timeout=120)

    def keep_journal(self) -> None:
        """A second name for the journal, so that it can be read when the run has removed it."""
        if self.journal.exists() and not self.kept.exists():
            self.kept.hardlink_to(self.journal)

    def finish(self, ranks: int | None = None):
        """The same command once more, without any fault, must end with the very file of an undisturbed run, and must
        run no task again that was done."""
        self.keep_journal()
        done = self.run(ranks=ranks)
        assert_same(self.whole, self.file)
        left = {path.name for path in self.folder.iterdir()} - {"kept.journal"}
        assert left == {"job.yaml", "out.h5"}, "a finished sweep is one file"
        if self.kept.exists():
            counts = collections.Counter(done_tasks(self.kept.read_bytes()))
            assert set(counts.values()) <= {1}, "a task that was done was run again"
        return done
