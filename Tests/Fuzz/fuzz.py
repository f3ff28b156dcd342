#!/usr/bin/env python3
"""Tries what nobody would write: mutated jobs, result files (their checksum made anew), journals, rank files, command lines.

    python3 Tests/Fuzz/fuzz.py [--count N] [--seed S] [--kinds jobs,results] [--keep FOLDER]

An input depends on kind, seed and number alone. It may be refused, with a message; it may not trap, hang, take memory
without bound, or give a wrong number. Each finding is named with its number and kept in FOLDER. Exit code 1 when there are any.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "release"
PROGRAM, BENCH, FUZZ = BUILD / "dynsweep", BUILD / "dynsweep-testbench", BUILD / "dynsweep-fuzz"

TRIAL = """
model: trial
methods: [walk, sampled]
parameters: {index: {range: [0, 3, 1]}, fate: [done, throw, diverge]}
seeds: 3
record: {times: [0, 5, 10]}
output: trial.h5
"""
REAL = """
model: sequence-single-index
methods: [sgd, ode]
parameters: {d: 50, L: [2, 4], step_size: 0.1}
seeds: 3
record: {times: {linspace: [0, 200, 5]}}
output: real.h5
"""
#: Long enough to be killed, with a checkpoint.
SLOW = """
model: sequence-single-index
methods: [sgd]
parameters: {d: 4000, L: [2, 16], step_size: 0.1}
seeds: 40
record: {times: [0, 100, 50000]}
output: slow.h5
"""
#: Inputs of a kind in a minute's run, and the most bytes that a process may hold.
COUNTS = {"jobs": 6000, "results": 2500, "journals": 3000, "ranks": 3000, "lines": 400}
MEMORY = 4 << 30

WORDS = [
    "run", "plan", "status", "validate", "export", "merge", "models", "submit", "help", "job.yaml", "real.h5", "trial.h5", "none.h5", "/",
    ".", "-", "--", "", " ", "-o", "-n", "--output", "--set", "L=2", "L=[2,4]", "seeds=", "=", "x=1", "record.times=[0,1]", "--ranks", "0",
    "-1", "1e9", "9223372036854775807", "99999999999999999999", "nan", "--csv", "--method", "sgd", "--shard", "1/2", "2/1", "0/0", "--fresh",
    "--resume", "--quiet", "--log-level", "debug", "--watch=", "--every", "--failures", "--slowest", "--job", "--remove-inputs", "--until",
    "1s", "1e300h", "12:61", "2026-13-45T99:99", "--checkpoint-every", "--dry-run", "--time", "1-0:0:0:0", "--memory", "2GB", "--array",
    "--help", "--version", "--same-build", "\u0301", "'", "\x1b[2J", "é", "a" * 5000, "--launcher", "true", "--extra", "--comment=x",
    "output=\"\"", "name=\"\\0\"", "d=1e300", "step_size=-9223372036854775808", "where=L/0", "zip=[[L,d]]", "methods=[]",
]  # fmt: skip


def limits() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def environment() -> dict[str, str]:
    return dict(os.environ) | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def corpus(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Good files of every kind."""
    for name, text in {"trial": TRIAL, "real": REAL, "slow": SLOW}.items():
        (folder / f"{name}.yaml").write_text(text)
    for name, program in {"trial": BENCH, "real": PROGRAM}.items():
        subprocess.run([program, "run", f"{name}.yaml", "--quiet"], cwd=folder, check=False, timeout=120)
    shutil.copy(folder / "real.yaml", folder / "job.yaml")
    line = [PROGRAM, "run", "slow.yaml", "--quiet", "--checkpoint-every", "0.02"]
    process = subprocess.Popen(line, cwd=folder, start_new_session=True)
    end = time.monotonic() + 60
    journal, rank = folder / "slow.h5.journal", folder / "slow.h5.rank-0"
    while not (journal.exists() and journal.stat().st_size > 1500 and rank.exists() and rank.stat().st_size > 5000):
        if process.poll() is not None or time.monotonic() > end:
            sys.exit("the run that leaves a journal and a checkpoint did not last")
        time.sleep(0.02)
    process.kill()
    process.wait()
    return {
        "jobs": [*sorted((ROOT / "jobs").rglob("*.yaml")), *(folder / f"{name}.yaml" for name in ("trial", "real", "slow"))],
        "results": [folder / "trial.h5", folder / "real.h5"],
        "journals": [journal],
        "ranks": [rank],
    }


class Findings:
    def __init__(self, keep: pathlib.Path | None) -> None:
        self.keep = keep
        self.lines: list[str] = []

    def add(self, kind: str, number: int, what: str, source: pathlib.Path | None) -> None:
        self.lines.append(f"{kind} {number}: {what}")
        print(self.lines[-1], flush=True)
        if self.keep is not None and source is not None and source.exists():
            self.keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, self.keep / f"{kind}-{number}")


def in_process(kind: str, count: int, seed: int, files: list[pathlib.Path], folder: pathlib.Path, findings: Findings) -> None:
    """Inputs that one process reads one after the other, until it dies; then the next goes on behind the culprit."""
    number = 0
    while number < count:
        line = [FUZZ, kind, str(seed), str(number), str(count - number), str(folder), *map(str, files)]
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", preexec_fn=limits, check=False)
        for text in done.stdout.splitlines():
            findings.add(kind, int(text.split()[1].rstrip(":")), text, None)
        if done.returncode in (0, 1):
            return
        if done.returncode == 2 or not (folder / "at").exists():
            sys.exit(f"the fuzzer does not start: {done.stdout}{done.stderr}")
        at = int((folder / "at").read_text())
        name = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
        reason = "\n".join(done.stderr.splitlines()[:3])
        findings.add(kind, at, f"{'hangs' if name == 'SIGALRM' else name}: {reason}", folder / "input")
        number = at + 1


def lines(count: int, seed: int, folder: pathlib.Path, findings: Findings) -> None:
    """Command lines, each a process of its own."""
    for number in range(count):
        draw = random.Random(seed * 1_000_003 + number)
        words = [draw.choice(WORDS[:8] if draw.random() < 0.9 else WORDS)]
        words += [draw.choice(WORDS) for _ in range(draw.randint(0, 6))]
        # Watching never ends, nor does a run that was asked for a million ranks.
        words = [word for word in words if word != "--watch="]
        before = {name: (folder / name).read_bytes() for name in ("real.h5", "trial.h5") if (folder / name).exists()}
        line = [str(PROGRAM), *words]
        try:
            done = subprocess.run(
                line, cwd=folder, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=60,
                preexec_fn=limits, env=environment(), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            findings.add("lines", number, f"hangs: {words}", None)
            continue
        if done.returncode not in (0, 1, 2, 70, 75):
            findings.add("lines", number, f"ends with {done.returncode}: {words}: {done.stderr[:300]}", None)
        if done.returncode in (2, 70) and not (done.stderr + done.stdout).strip():
            findings.add("lines", number, f"says nothing: {words}", None)
        if "\x1b" in done.stdout + done.stderr:
            findings.add("lines", number, f"steers the terminal: {words}", None)
        if words and words[0] in ("status", "validate", "export", "plan", "models"):
            for name, content in before.items():
                if (folder / name).read_bytes() != content:
                    findings.add("lines", number, f"changes {name}: {words}", None)
                    (folder / name).write_bytes(content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, help="inputs of each kind (by default what takes a minute in all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(COUNTS))
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / ".build" / "fuzz")
    options = parser.parse_args()
    findings = Findings(options.keep)
    total = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = corpus(folder)
        for kind in options.kinds.split(","):
            count = options.count or COUNTS[kind]
            start = time.monotonic()
            before = len(findings.lines)
            if kind == "lines":
                lines(count, options.seed, folder, findings)
            else:
                work = folder / kind
                work.mkdir()
                in_process(kind, count, options.seed, files[kind], work, findings)
            total += count
            print(f"{kind}: {count} inputs, {len(findings.lines) - before} findings, {time.monotonic() - start:.0f} s", flush=True)
    print(f"fuzz: {total} inputs, {len(findings.lines)} findings" + (f", kept in {options.keep}" if findings.lines else ""))
    return 1 if findings.lines else 0


if __name__ == "__main__":
    sys.exit(main())
