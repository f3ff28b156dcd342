#!/usr/bin/env python3
"""Runs the benchmarks and their NumPy references in one go, and prints times, ratios and targets.

    python3 Benchmarks/run.py [NAME ...]

Builds the release program first. Exit code 1 if a target is missed.
"""

import json
import os
import pathlib
import subprocess
import sys

import engine
import scale

HERE = pathlib.Path(__file__).resolve().parent
ONE_THREAD = {v: "1" for v in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}

# name: (what is compared, target). "ratio" is reference time over ours, at least the target; "at most" and "at least"
# bound our own number.
TARGETS = {
    "sgd.tied_relu_d1000_L8_ns": ("ratio", 100.0),
    "sgd.untied_relu_d1000_L8_ns": ("ratio", 15.0),
    "sgd.attention_d1000_L2_ns": ("ratio", 60.0),
    "chain.tied_relu_L8_d1e7_over_d1e2": ("at most", 1.1),
    "chain.attention_L2_d1e7_over_d1e2": ("at most", 1.1),
    "slr.sgd_erf_d400_L10_B5_ns": ("ratio", 12.0),
    "slr.sgd_softmax_d400_L10_B5_ns": ("ratio", 12.0),
    "slr.chain_erf_L10_B5_d1e7_over_d1e2": ("at most", 1.1),
    "random.fill_normal_float32_ns": ("at most", 0.65),
    "random.fill_normal_float64_ns": ("at most", 1.65),
    "attention.gap_recursion_K450_us": ("at most", 100.0),
    "attention.gd_d400_n20_L10_us": ("ratio", 1.0),
    "attention.margin_K1800_s": ("at most", 3.0),
    "dmft_gd.d2000_n4000_runs1_ms": ("ratio", 1.0),
    "dmft_gd.d2000_n4000_runs8_ms": ("ratio", 1.0),
    "dmft_gd.d2000_n4000_runs1_blas_percent": ("at least", 70.0),
    "dmft_gd.d2000_n4000_runs8_blas_percent": ("at least", 70.0),
    "dmft.logistic_full_T200_N100000_s": ("ratio", 10.0),
    "dmft.logistic_full_T200_N100000_growth": ("at most", 4.0),
    "miw.amp_sign_product2_d1000_alpha4_ms": ("ratio", 3.0),
    "smi.amp_d1000_alpha0.5_ms": ("ratio", 10.0),
    "bsr.bayes_curve_1000_s": ("at most", 3.0),
    "bsr.amp_d100_ms": ("ratio", 1.9),
    "bsr.gd_d50_runs1_ms": ("ratio", 1.3),
    "bsr.gd_d50_runs8_ms": ("ratio", 1.3),
    "bsr.gd_d50_runs8_blas_percent": ("at least", 70.0),
    "ewq.bayes_curve_1000_s": ("at most", 3.0),
    "ewq.amp_d100_ms": ("ratio", 1.3),
    "ewq.gd_d100_runs8_ms": ("ratio", 1.3),
    "ewq.gd_d100_runs8_blas_percent": ("at least", 70.0),
    "engine.task_overhead_1_ranks_us": ("at most", 20.0),
    "engine.task_overhead_2_ranks_us": ("at most", 20.0),
    "engine.memory_1M_tasks_mb": ("at most", 120.0),
    "engine.busy_percent_costs_1_to_1000": ("at least", 97.0),
    "engine.waiting_rank_cpu_percent": ("at most", 2.0),
    "engine.stop_1_ranks_s": ("at most", 0.8),
    "engine.stop_2_ranks_s": ("at most", 0.8),
    "engine.process_death_s": ("at most", 3.0),
    "engine.ranks_over_processes_chain": ("at least", 0.95),
    "engine.ranks_over_processes_sgd": ("at least", 0.95),
    "engine.whole_run_of_one_task_s": ("at most", 0.1),
    "engine.plan_1e6_tasks_s": ("at most", 2.0),
    "engine.plan_1e6_tasks_mb": ("at most", 300.0),
    "engine.plan_1e7_points_s": ("at most", 2.0),
    "engine.plan_1e7_points_mb": ("at most", 200.0),
    "engine.bad_job_s": ("at most", 0.1),
    "engine.models_s": ("at most", 0.1),
    "engine.status_1e6_tasks_s": ("at most", 0.1),
    "engine.read_curve_of_1e6_tasks_s": ("at most", 0.1),
    "scale.million_1_ranks_us_a_task": ("at most", 3.2),
    "engine.start_s": ("at most", 0.025),
    "scale.memory_1e6_mb": ("at most", 120.0),
    "scale.status_1e6_s": ("at most", 0.1),
    "scale.efficiency_1000_ms_256_ranks_percent": ("at least", 99.0),
    "scale.efficiency_1000_ms_4096_ranks_percent": ("at least", 97.0),
    "engine.read_scalar_of_1e6_tasks_s": ("at most", 5.0),
}

# Normals that a step draws, and numbers that it runs axpy and dot over: what the machine needs for them alone, measured in the
# same run, is at least 60 % of the step. (For attention its two softmaxes and their slopes are as much again as the passes.)
BOUNDS = {
    "sgd.tied_relu_d1000_L8_ns": (1000, 1000),
    "sgd.untied_relu_d1000_L8_ns": (8000, 8000),
    "sgd.attention_d1000_L2_ns": (1000, 1000),
    "slr.sgd_erf_d400_L10_B5_ns": (20000, 20000),
    "slr.sgd_softmax_d400_L10_B5_ns": (20000, 20000),
}

# What a model says a task costs is right within a factor of two, up to the machine.
COST_TARGET = ("at most", 2.0)


def output_of(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True,
                                     env=os.environ | ONE_THREAD).stdout)


def machine(package):
    """The processor, what the build is for, and the BLAS of either side."""
    processor = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), "unknown processor")
    about = subprocess.run([str(package / ".build/release/Benchmarks"), "--about"], check=True, capture_output=True,
                           text=True).stdout.strip()
    numpy = subprocess.run(
        [sys.executable, "-c", "import numpy; print(numpy.__version__, "
         "numpy.show_config(mode='dicts')['Build Dependencies']['blas'].get('version', ''))"],
        check=True, capture_output=True, text=True).stdout.strip()
    return f"{processor}, {os.cpu_count()} cores; {about}; reference: NumPy {numpy}"


def add_bounds(ours):
    """The share of a kernel's time that the machine needs for its numbers alone, in per cent."""
    normal, passes = ours.get("random.fill_normal_float32_ns"), ours.get("machine.axpy_and_dot_ns")
    if normal is None or passes is None:
        return
    for name, (normals, numbers) in BOUNDS.items():
        if name in ours:
            bound = normals * normal + numbers * passes
            ours[name.removesuffix("_ns") + "_percent_of_bound"] = 100 * bound / ours[name]


def main():
    names = sys.argv[1:]
    package = HERE.parent
    for product in ("dynsweep", "dynsweep-testbench", "Benchmarks"):
        subprocess.run(["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", product,
                        "--package-path", str(package)], check=True, stdout=sys.stderr)
    ours, reference = {}, {}
    whole = engine.BENCHMARKS | scale.BENCHMARKS
    kernels = [name for name in names if name not in whole]
    if kernels or not names:
        ours = output_of([str(package / ".build/release/Benchmarks"), *kernels])
        reference = output_of([sys.executable, str(HERE / "reference.py"), *kernels])
    add_bounds(ours)
    for name, benchmark in whole.items():
        if name in names or not names:
            ours |= benchmark()

    missed = False
    print(machine(package))
    print(f"{'benchmark':44} {'ours':>12} {'reference':>12} {'ratio':>8}  target")
    for name, value in ours.items():
        ratio = reference[name] / value if name in reference else None
        verdict = ""
        targets = dict.fromkeys((n for n in ours if n.endswith("_percent_of_bound")), ("at least", 60.0)) | TARGETS
        if name in targets or name.startswith("cost.") and name.endswith("_factor"):
            kind, target = targets.get(name, COST_TARGET)
            met = {"ratio": ratio is not None and ratio >= target, "at most": value <= target,
                   "at least": value >= target}[kind]
            verdict = f"{kind} {target:g}: {'met' if met else 'MISSED'}"
            missed |= not met
        shown = (f"{reference[name]:12.4g} {ratio:8.2f}" if ratio is not None else " " * 21)
        print(f"{name:44} {value:12.4g} {shown}  {verdict}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
