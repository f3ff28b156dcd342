# The commands: `make demo` (a first result and its picture), `make gallery` (every job, reduced, and docs/gallery.md) and
# `make test` (everything that must hold). All install what is missing; none needs anything but a Swift 6 toolchain and
# Python 3.11 on Debian 12.

PYTHON := .venv/bin/python
BINARY := .build/release/dynsweep
RANKS  ?= 2

.PHONY: all build dist demo gallery test test-long soak fuzz random-quality lint setup viewers bench clean

all: build

setup:
	@scripts/setup

# Statically linked Swift runtime: the binary also runs on nodes without Swift.
build: setup
	swift build -c release --static-swift-stdlib --product dynsweep

# For nodes of several kinds: a program for every level in one folder, and one that chooses at every start.
LEVELS ?= x86-64-v4+vaes x86-64-v4 x86-64-v3+vaes x86-64-v3 x86-64-v2
dist: setup
	LEVELS="$(LEVELS)" scripts/dist

demo: build
	$(BINARY) run jobs/quickstart.yaml -n $(RANKS)
	.venv/bin/dynsweep-plot results/quickstart.h5 -o results/quickstart.png
	@echo "The figure is results/quickstart.png, the data results/quickstart.h5."

# Every job of jobs/ in the reduced form its head states: at most a quarter of an hour on two cores.
gallery: build
	$(PYTHON) scripts/gallery -n $(RANKS)

# R, Octave and a browser, whose tests are skipped without them.
viewers:
	@scripts/setup viewers

lint: setup
	swift format lint --strict --recursive Sources Tests Benchmarks Package.swift
	cd analysis && ../.venv/bin/ruff check . && ../.venv/bin/ruff format --check . && ../.venv/bin/mypy

test: viewers lint build
	scripts/test

# What takes longer: the statistical tests of the models at full size, and the crash test at length. Half an hour to an hour.
test-long: build
	swift build -c release --static-swift-stdlib --product dynsweep-testbench
	scripts/test long

# The crash test at length: sweeps killed at random moments until they are done. A quarter of an hour on two idle cores.
KILLS ?= 200
soak: setup
	swift build -c release --static-swift-stdlib --product dynsweep-testbench
	$(PYTHON) Tests/Integration/soak.py --kills $(KILLS)

# Mutated jobs, result files, journals, rank files and command lines: COUNT inputs of each kind, from SEED.
COUNT ?=
SEED ?= 1
fuzz: build
	swift build -c release --static-swift-stdlib --product dynsweep-testbench
	swift build -c release --static-swift-stdlib --product dynsweep-fuzz
	$(PYTHON) Tests/Fuzz/fuzz.py --seed $(SEED) $(if $(COUNT),--count $(COUNT))

# The generator through TestU01: BATTERY small (seconds), crush (half an hour) or big (hours), ORDER counters, keys or streams.
# The library is in Debian's non-free section: apt-get install libtestu01-0-dev.
BATTERY ?= small
ORDER ?= counters
random-quality:
	DYNSWEEP_TESTU01=1 swift run -c release --scratch-path .build/quality RandomQuality $(BATTERY) $(ORDER)

# Throughput of the kernels and of the scheduler beside a NumPy reference; prints ratios with their targets.
bench: build
	$(PYTHON) Benchmarks/run.py

clean:
	rm -rf .build
