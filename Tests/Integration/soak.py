#!/usr/bin/env python3
"""The crash test: sweeps whose ranks are killed at random moments, again and again, until they are done.

    soak.py [--kills 200] [--seed 1]

A round is one start of the same command, on a random number of ranks; it ends by itself or by SIGKILL of one rank or of
everything; there are as many rounds as it takes for the kills. Meanwhile the result file is opened from outside. When a sweep is done its file must hold the very bytes of
an undisturbed run, and no task that was recorded as done may have been run again. Ends with one line of numbers, and
with exit code 1 when a number that must be zero is not.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

import faults
from conftest import TESTBENCH, Sandbox, contents, descendants, kill_tree

#: Simulation, exact chain and theory of one model: many short tasks of very different lengths.
MIXED = """
model: sequence-single-index
methods: [sgd, overlap-chain, ode]
parameters:
  d: 300
  student: [tied, untied]
  L: [2, 4, 8]
  target: inversesqrtsum
  activation: relu
  step_size: 0.5
  init: overlapped
  init_scale: 0.2
seeds: 48
record: {times: {linspace: [0, 10, 11]}, time_unit: t}
output: out.h5
"""

#: Few tasks of a second: most kills hit all ranks in the middle of one.
LONG = """
model: trial
methods: [walk]
parameters: {index: [0, 1, 2], milliseconds: 900, walkers: 50}
seeds: 4
record: {times: {linspace: [0, 4000, 5]}}
output: out.h5
"""


@dataclasses.dataclass
class Tally:
    rounds: int = 0
    sweeps: int = 0
    killed_one: int = 0
    killed_all: int = 0
    tasks: int = 0
    looks: int = 0
    lost: int = 0
    again: int = 0
    unreadable: int = 0
    different: int = 0
    refused: int = 0
    set_aside: int = 0

    @property
    def is_clean(self) -> bool:
        return self.lost + self.again + self.unreadable + self.different + self.refused == 0

    def __str__(self) -> str:
        return (
            f"soak: {self.rounds} rounds, {self.sweeps} sweeps finished, {self.killed_one} kills of one rank and "
            f"{self.killed_all} of everything, {self.tasks} tasks recorded; {self.lost} tasks lost, {self.again} run "
            f"again, {self.unreadable} of {self.looks} looks at the file found it unreadable, "
            f"{self.different} final files different, {self.refused} starts refused; {self.set_aside} sweeps retried "
            "tasks that were set aside as killing their process"
        )


class Sweep:
    """One sweep in a folder of its own, started and killed until it is done."""

    def __init__(self, folder: pathlib.Path, job: str, whole: dict[str, bytes], options: list[str]) -> None:
        folder.mkdir()
        self.sandbox = Sandbox(folder, TESTBENCH)
        self.sandbox.write(job)
        self.whole = whole
        self.options = options
        self.file = folder / "out.h5"
        self.journal = folder / "out.h5.journal"
        self.kept = folder / "kept.journal"
        self.acknowledged: set[tuple[int, int, int]] = set()

    def round(self, moment: random.Random, seconds: float, tally: Tally) -> bool:
        """One start; True when the sweep is done."""
        tally.rounds += 1
        ranks, own = moment.choice([(None, False), (1, False), (2, False), (4, False), (2, True), (4, True)])
        arguments = ["run", "job.yaml", *self.options] + (["-n", ranks] if own else [])
        process = self.sandbox.start(*arguments, ranks=None if own else ranks)
        everything = moment.random() < 0.5
        # Most before the end: several ranks are faster, and starting them takes half a second.
        end = time.monotonic() + moment.uniform(0.05, 0.5 + (0.6 if ranks in (None, 1) else 0.35) * seconds)
        kills = 0
        try:
            while process.poll() is None:
                if time.monotonic() < end:
                    time.sleep(min(moment.uniform(0.01, 0.2), max(0.0, end - time.monotonic())))
                    self.look(moment, tally)
                    continue
                victims = [pid for pid in [process.pid, *descendants(process.pid)] if is_rank(pid)]
                # A supervisor starts the ranks again: the second time everything goes.
                if everything or kills > 0 or not victims:
                    tally.killed_all += 1
                    kill_tree(process)
                    break
                kills += 1
                tally.killed_one += 1
                kill(moment.choice(victims))
                end = time.monotonic() + (moment.uniform(1, seconds) if own else 30)
        finally:
            kill_tree(process)
        words = process.stderr.read()
        self.check_records(tally)
        if process.returncode == 2:
            tally.refused += 1
            print(f"refused: {words}", flush=True)
        if process.returncode == 1 and "--retry-failed" not in self.options:
            # Killed twice under supervision, a task passes for one that kills its process.
            self.options = [*self.options, "--retry-failed"]
            tally.set_aside += 1
        if process.returncode != 0:
            return False
        self.check_end(tally)
        return True

    def look(self, moment: random.Random, tally: Tally) -> None:
        """Opens the published file as a user would while the run goes on."""
        if self.journal.exists() and not self.kept.exists():
            # A second name, to read it when the run has removed it.
            try:
                self.kept.hardlink_to(self.journal)
            except FileNotFoundError:
                pass
        if not self.file.exists():
            return
        tally.looks += 1
        try:
            with h5py.File(self.file) as file:
                for method in file.attrs["methods"].split():
                    done = file[method]["status"][()] == 1
                    name = "position" if "position" in file[method] else "overlap"
                    if not np.isfinite(file[method][name][()][done]).all():
                        raise ValueError(f"{method}: done without values")
        except Exception as error:  # noqa: BLE001: whatever it is, a user could not read the file
            tally.unreadable += 1
            print(f"unreadable: {error!r}", flush=True)
        if moment.random() < 0.3:
            tally.looks += 1
            done = self.sandbox.run("validate", "out.h5", code=None)
            if done.returncode not in (0, 75):
                tally.unreadable += 1
                print(f"invalid: {done.stdout}", flush=True)

    def check_records(self, tally: Tally) -> None:
        """What was once recorded as done stays recorded."""
        for path in (self.journal, self.kept):
            if path.exists():
                found = faults.done_tasks(path.read_bytes())
                if missing := self.acknowledged - set(found):
                    tally.lost += len(missing)
                    print(f"lost: {sorted(missing)[:5]}", flush=True)
                self.acknowledged |= set(found)
                return

    def check_end(self, tally: Tally) -> None:
        tally.sweeps += 1
        if contents(self.file) != self.whole:
            tally.different += 1
            print(f"different: {self.file}", flush=True)
        if self.kept.exists():
            counts = collections.Counter(faults.done_tasks(self.kept.read_bytes()))
            tally.tasks += len(counts)
            tally.again += sum(count - 1 for count in counts.values())
            left = {path.name for path in self.file.parent.iterdir()} - {"out.h5", "job.yaml", "kept.journal"}
            if left:
                tally.different += 1
                print(f"left behind: {left}", flush=True)


def is_rank(pid: int) -> bool:
    try:
        return pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name == TESTBENCH.name
    except OSError:
        return False


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def soak(kills: int, seed: int, folder: pathlib.Path) -> Tally:
    """At least so many kills, and on until the last sweep is done."""
    tally = Tally()
    moment = random.Random(seed)
    help_text = subprocess.run([TESTBENCH, "run", "--help"], capture_output=True, text=True).stdout
    checkpoints = ["--checkpoint-every", "0.2"] if "--checkpoint-every" in help_text else []
    kinds = []
    for name, job, options in (("mixed", MIXED, []), ("long", LONG, checkpoints)):
        whole = folder / f"whole-{name}"
        whole.mkdir()
        sandbox = Sandbox(whole, TESTBENCH)
        sandbox.write(job)
        start = time.monotonic()
        sandbox.run("run", "job.yaml")
        seconds = time.monotonic() - start
        kinds.append((name, job, contents(whole / "out.h5"), options, seconds))
        print(f"{name}: {seconds:.1f} s undisturbed on one rank", flush=True)
    while tally.killed_one + tally.killed_all < kills:
        name, job, whole, options, seconds = kinds[tally.sweeps % len(kinds)]
        sweep = Sweep(folder / f"{name}-{tally.sweeps}", job, whole, options)
        before = tally.rounds
        while not sweep.round(moment, seconds, tally):
            if tally.rounds > before + 60:
                raise RuntimeError(f"{name}: no end after 60 rounds")
        print(f"{name}: done after {tally.rounds - before} rounds; {tally}", flush=True)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dynsweep-soak-") as folder:
        tally = soak(arguments.kills, arguments.seed, pathlib.Path(folder))
    print(tally)
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
