"""Benchmarks of whole runs: scheduling, start, planning, reading. Returns results by name for `run.py`."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DYNSWEEP = ROOT / ".build/release/dynsweep"
SWEEP = [str(ROOT / ".build/release/dynsweep-testbench"), "run", "--log-level", "debug"]
ENVIRONMENT = os.environ | {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OPENBLAS_NUM_THREADS": "1"}


class Run:
    """A finished process: seconds, peak memory in MB, and what it said."""

    def __init__(self, command: list, folder: str, ranks: int = 0) -> None:
        line = [str(part) for part in command]
        if ranks:
            line = ["mpirun", "-n", str(ranks), "--bind-to", "none", "--oversubscribe", *line]
        self.text = ""
        with tempfile.TemporaryFile("w+") as said:
            begun = time.perf_counter()
            process = subprocess.Popen(line, cwd=folder, env=ENVIRONMENT, stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            self.text = said.read()
        self.code = process.returncode
        self.megabytes = usage.ru_maxrss / 1024

    def number(self, pattern: str) -> float:
        found = re.search(pattern, self.text)
        if not found:
            raise RuntimeError(f"no '{pattern}' in:\n{self.text}")
        return float(found.group(1))


def best(repeats: int, *arguments, fresh: tuple[str, ...] = (), **keywords) -> Run:
    runs = []
    for _ in range(repeats):
        for name in fresh:
            for path in pathlib.Path(arguments[1]).glob(name):
                path.unlink()
        runs.append(Run(*arguments, **keywords))
    return min(runs, key=lambda run: run.seconds)


def write(folder: str, name: str, text: str) -> str:
    pathlib.Path(folder, name).write_text(text)
    return name


def nothing(folder: str, count: int) -> str:
    """A job of 10 x `count` / 10 tasks that do nothing."""
    return write(folder, f"nothing{count}.yaml", f"""
model: nothing
methods: [nothing]
parameters: {{x: {{range: [1, 10, 1]}}, y: {{range: [1, {count // 10}, 1]}}}}
seeds: 1
output: nothing.h5
""")


def scheduling() -> dict[str, float]:
    """The engine's own time and memory a task, and how busy the ranks are with uneven tasks."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for ranks in (0, 2):
            few = best(2, [*SWEEP, nothing(folder, 10)], folder, ranks=ranks, fresh=("nothing.h5*",))
            many = best(2, [*SWEEP, nothing(folder, 100_000)], folder, ranks=ranks, fresh=("nothing.h5*",))
            results[f"engine.task_overhead_{max(ranks, 1)}_ranks_us"] = (many.seconds - few.seconds) / 1e5 * 1e6
            if ranks == 0:
                million = best(1, [*SWEEP, nothing(folder, 1_000_000)], folder, fresh=("nothing.h5*",))
                results["engine.memory_100k_tasks_mb"] = many.megabytes
                results["engine.memory_1M_tasks_mb"] = million.megabytes
        write(folder, "burn.yaml", """
model: burn
methods: [burn]
parameters: {milliseconds: {logspace: [1, 1000, 100]}}
seeds: 1
output: burn.h5
""")
        run = best(2, [*SWEEP, "burn.yaml"], folder, ranks=2, fresh=("burn.h5*",))
        results["engine.busy_percent_costs_1_to_1000"] = run.number(r"busy ([\d.]+) %")
        write(folder, "wait.yaml", """
model: burn
methods: [burn]
parameters: {milliseconds: 8000}
seeds: 1
output: wait.h5
""")
        run = best(1, [*SWEEP, "wait.yaml"], folder, ranks=2, fresh=("wait.h5*",))
        results["engine.waiting_rank_cpu_percent"] = min(run.number(rf"rank {rank} used ([\d.]+) %") for rank in (0, 1))
    return results


#: A compute-bound sweep of about half a minute on one core. METHOD and END fill in.
COMPUTE = """
model: sequence-single-index
methods: [METHOD]
parameters: {d: 1000, L: [4, 8], student: [tied, untied], step_size: {logspace: [0.05, 0.5, 5]}, init_scale: 0.1}
seeds: 32
record: {times: {linspace: [0, END, 5]}, time_unit: t, observables: [overlap]}
output: compute.h5
"""

TRIVIAL = """
model: sequence-single-index
methods: [overlap-chain]
parameters: {d: 100, L: 2, step_size: 0.1}
seeds: 1
record: {times: [0, 1], observables: [overlap]}
output: trivial.h5
"""


def grid(count: int, extra: str = "", method: str = "overlap-chain") -> str:
    """A job of 1000 x `count` points."""
    return f"""
model: sequence-single-index
methods: [{method}]
parameters:
  d: 20
  L: 2
  init_scale: {{linspace: [0.001, 0.9, 1000]}}
  step_size: {{logspace: [0.001, 1, {count}]}}
{extra}
seeds: 1
record: {{times: {{range: [0, 19, 1]}}, observables: [overlap, weak_recovery_time]}}
output: grid.h5
"""


def commands() -> dict[str, float]:
    """Two ranks against one; start; planning; answers; reading a file of a million tasks."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        results |= speedups(folder)
        write(folder, "trivial.yaml", TRIVIAL)
        run = best(5, [DYNSWEEP, "run", "trivial.yaml"], folder, fresh=("trivial.h5*",))
        results["engine.whole_run_of_one_task_s"] = run.seconds
        results["engine.start_s"] = best(10, [DYNSWEEP, "--version"], folder).seconds

        write(folder, "plan6.yaml", grid(1000))
        run = best(3, [DYNSWEEP, "plan", "plan6.yaml"], folder)
        results["engine.plan_1e6_tasks_s"], results["engine.plan_1e6_tasks_mb"] = run.seconds, run.megabytes
        write(folder, "plan7.yaml", grid(10_000, 'where: "step_size * init_scale <= 0.5"'))
        run = best(3, [DYNSWEEP, "plan", "plan7.yaml"], folder)
        assert run.code == 0, run.text
        results["engine.plan_1e7_points_s"], results["engine.plan_1e7_points_mb"] = run.seconds, run.megabytes
        write(folder, "bad.yaml", grid(1000).replace("step_size", "step_sise"))
        run = best(5, [DYNSWEEP, "run", "bad.yaml"], folder)
        assert run.code == 2
        results["engine.bad_job_s"] = run.seconds
        results["engine.models_s"] = best(5, [DYNSWEEP, "models", "sequence-single-index"], folder).seconds

        run = best(1, [DYNSWEEP, "run", "plan6.yaml"], folder, ranks=2)
        results["engine.million_tasks_run_s"] = run.seconds
        results["engine.status_1e6_tasks_s"] = best(3, [DYNSWEEP, "status", "grid.h5"], folder).seconds
        results |= reading(pathlib.Path(folder, "grid.h5"))
    return results


def speedups(folder: str) -> dict[str, float]:
    """Two ranks against one, for a scalar kernel and for a vector kernel, and over what two separate processes gain in the
    same run: that is what the machine itself allows (cores share clock and memory, and on some two are one)."""
    results = {}
    for name, method, end in (("chain", "overlap-chain", "900"), ("sgd", "sgd", "15")):
        write(folder, f"{name}.yaml", COMPUTE.replace("METHOD", method).replace("END", end))
        one = best(1, [DYNSWEEP, "run", f"{name}.yaml"], folder, fresh=("compute.h5*",))
        two = best(1, [DYNSWEEP, "run", f"{name}.yaml", "-n", "2"], folder, fresh=("compute.h5*",))
        begun = time.perf_counter()
        both = [subprocess.Popen([DYNSWEEP, "run", f"{name}.yaml", "--quiet", "--output", f"{name}{half}.h5"], cwd=folder)
                for half in (1, 2)]
        for process in both:
            process.wait()
        processes = 2 * one.seconds / (time.perf_counter() - begun)
        results[f"engine.speedup_2_ranks_{name}"] = one.seconds / two.seconds
        results[f"engine.speedup_2_processes_{name}"] = processes
        results[f"engine.ranks_over_processes_{name}"] = one.seconds / two.seconds / processes
    return results


def reading(path: pathlib.Path) -> dict[str, float]:
    """One curve and one scalar observable out of a file of a million tasks, with h5py."""
    import h5py

    begun = time.perf_counter()
    with h5py.File(path) as file:
        curve = file["overlap-chain/overlap"][500, 500]
    middle = time.perf_counter()
    with h5py.File(path) as file:
        whole = file["overlap-chain/weak_recovery_time"][()]
    end = time.perf_counter()
    assert curve.shape == (1, 20) and whole.size == 1_000_000
    return {"engine.read_curve_of_1e6_tasks_s": middle - begun, "engine.read_scalar_of_1e6_tasks_s": end - middle}


#: Long tasks on every rank.
LONG = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 99, 1]}, milliseconds: 60000, walkers: 1000}
seeds: 1
record: {times: {linspace: [0, 20000, 21]}}
output: long.h5
"""

#: 10,000 tasks of which 1 % throw, and 0.1 % each segfault, hang, and allocate without end.
MIXED = """
model: trial
methods: [walk]
parameters: {index: {range: [0, 9999, 1]}, fate: mixed}
seeds: 1
record: {times: [0, 10, 100]}
limits: {task_minutes: 0.001, task_memory: 500MB}
output: mixed.h5
"""


def endings() -> dict[str, float]:
    """From a stop signal to the exit with all ranks busy; what a process death costs; how a bad grid ends."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "long.yaml", LONG)
        for ranks in (1, 2):
            seconds = []
            for name in ("USR1", "TERM", "INT"):
                process = subprocess.Popen(
                    [*SWEEP, "long.yaml", "-n", str(ranks)], cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
                while len(list(pathlib.Path(folder).glob("long.h5.rank-*"))) < ranks:
                    time.sleep(0.01)
                time.sleep(1.5)
                begun = time.perf_counter()
                process.send_signal(getattr(signal, "SIG" + name))
                process.wait()
                seconds.append(time.perf_counter() - begun)
                assert process.returncode == 75, process.returncode
            results[f"engine.stop_{ranks}_ranks_s"] = max(seconds)

        write(folder, "mixed.yaml", MIXED)
        good = best(1, [*SWEEP, "mixed.yaml", "-n", "2", "--set", "parameters.fate=done"], folder, fresh=("mixed.h5*",))
        bad = best(1, [*SWEEP, "mixed.yaml", "-n", "2"], folder, fresh=("mixed.h5*",))
        assert bad.code == 1 and "9870 of 10000 tasks done, 130 failed" in bad.text, bad.text[-2000:]
        deaths = bad.text.count("starting the ranks again")
        results["engine.process_deaths"] = deaths
        # A hang is noticed 1.06 s after it began: the limit, and the grace for tasks that look up late.
        results["engine.process_death_s"] = (bad.seconds - good.seconds - 10 * 1.06) / deaths
    return results


BENCHMARKS = {"scheduling": scheduling, "commands": commands, "endings": endings}
