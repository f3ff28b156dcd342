"""NumPy timings to compare with. One function a benchmark, named as in Main.swift; prints one JSON object."""

import json
import sys
import time

import numpy as np


def shortest_seconds(repeats, body):
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - start)
    return best


def random():
    count = 16384
    generator = np.random.Generator(np.random.SFC64(1))
    floats, doubles = np.empty(count, np.float32), np.empty(count)

    def nanoseconds(body):
        return shortest_seconds(400, body) / count * 1e9

    return {
        "random.fill_normal_float32_ns": nanoseconds(
            lambda: generator.standard_normal(out=floats, dtype=np.float32)
        ),
        "random.fill_normal_float64_ns": nanoseconds(lambda: generator.standard_normal(out=doubles)),
        "random.chi_square_1000_ns": nanoseconds(lambda: generator.chisquare(1000, size=count)),
    }


BENCHMARKS = {"random": random}

if __name__ == "__main__":
    results = {}
    for name in sys.argv[1:] or BENCHMARKS:
        if name in BENCHMARKS:
            results |= BENCHMARKS[name]()
    print(json.dumps(results, indent=2))
