"""Benchmarks of large grids and many ranks: a million tasks for real, ten thousand ranks by simulation."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

from engine import ENVIRONMENT, SWEEP, Run, best, nothing, write

#: The tables of docs/scale.md: tasks of so many milliseconds, on so many ranks.
MILLISECONDS = (1, 10, 100, 1000, 10_000)
RANKS = (16, 256, 4096, 10_000)
TASKS = 1_000_000


def simulated() -> dict[str, float]:
    """Efficiency of a million tasks, by simulation; and what waiting for rank 0 costs, the most that sub-coordinators
    could win."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for milliseconds in MILLISECONDS:
            write(folder, "burn.yaml", f"""
model: burn
methods: [burn]
parameters: {{milliseconds: {milliseconds}}}
seeds: {TASKS}
output: burn.h5
""")
            run = Run([SWEEP[0], "plan", "burn.yaml", "--ranks", ",".join(map(str, RANKS))], folder)
            assert run.code == 0, run.text
            results[f"scale.plan_{len(RANKS)}_simulations_{milliseconds}_ms_s"] = run.seconds
            for ranks in RANKS:
                line = re.search(rf"^ +{ranks:,}  ".replace(",", " ") + ".*$", run.text, re.MULTILINE)
                percents = [float(number) for number in re.findall(r"([\d.]+) %", line.group(0))]
                results[f"scale.efficiency_{milliseconds}_ms_{ranks}_ranks_percent"] = percents[0]
                results[f"scale.waiting_{milliseconds}_ms_{ranks}_ranks_percent"] = percents[2]
    return results


def million() -> dict[str, float]:
    """A million tasks that do nothing: whole, killed in the middle and resumed, and looked at."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        job = nothing(folder, TASKS)
        file = pathlib.Path(folder, "nothing.h5")
        hundredth = nothing(folder, TASKS // 10)
        for ranks in (0, 2):
            small = best(1, [*SWEEP, hundredth], folder, ranks=ranks, fresh=("nothing.h5*",))
            large = best(1, [*SWEEP, job], folder, ranks=ranks, fresh=("nothing.h5*",))
            name = f"{max(1, ranks)}_ranks"
            results[f"scale.million_{name}_us_a_task"] = (large.seconds - small.seconds) / (0.9 * TASKS) * 1e6
            if ranks == 0:
                results["scale.memory_1e5_mb"], results["scale.memory_1e6_mb"] = small.megabytes, large.megabytes
        results["scale.file_1e6_mb"] = file.stat().st_size / 1e6
        results["scale.status_1e6_s"] = best(3, [SWEEP[0], "status", "nothing.h5"], folder).seconds
        results["scale.validate_1e6_s"] = best(1, [SWEEP[0], "validate", "nothing.h5"], folder).seconds
        results |= resume(folder, job)
    return results


def resume(folder: str, job: str) -> dict[str, float]:
    """From the start after a kill in the middle to the first new record."""
    for path in pathlib.Path(folder).glob("nothing.h5*"):
        path.unlink()
    journal = pathlib.Path(folder, "nothing.h5.journal")

    def wait_for(size: int) -> float:
        begun = time.perf_counter()
        process = subprocess.Popen([*SWEEP, job], cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        while not journal.exists() or journal.stat().st_size <= size:
            if process.poll() is not None:
                raise RuntimeError("the run ended before it could be killed")
            time.sleep(0.001)
        seconds = time.perf_counter() - begun
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return seconds

    wait_for(TASKS // 2 * 80)
    # More than the event that says that a run began.
    return {"scale.resume_5e5_done_s": wait_for(journal.stat().st_size + 10_000)}


BENCHMARKS = {"million": million, "simulated": simulated}
