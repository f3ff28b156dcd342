# The two commands: `make demo` (a first result and its picture) and `make test` (everything that must hold).
# Both install what is missing; neither needs anything but a Swift 6 toolchain and Python 3.11 on Debian 12.

PYTHON := .venv/bin/python
BINARY := .build/release/dynsweep
RANKS  ?= 2

.PHONY: all build demo test soak lint setup bench clean

all: build

setup:
	@scripts/setup

# Statically linked Swift runtime: the binary also runs on nodes without Swift.
build: setup
	swift build -c release --static-swift-stdlib --product dynsweep

demo: build
	$(BINARY) run jobs/quickstart.yaml -n $(RANKS)
	.venv/bin/dynsweep-plot results/quickstart.h5 -o results/quickstart.png
	@echo "The figure is results/quickstart.png, the data results/quickstart.h5."

lint: setup
	swift format lint --strict --recursive Sources Tests Benchmarks Package.swift

test: lint build
	scripts/test

# The crash test at length: sweeps killed at random moments until they are done. A quarter of an hour on two idle cores.
KILLS ?= 200
soak: setup
	swift build -c release --static-swift-stdlib --product dynsweep-testbench
	$(PYTHON) Tests/Integration/soak.py --kills $(KILLS)

# Throughput of the kernels and of the scheduler beside a NumPy reference; prints ratios with their targets.
bench: build
	$(PYTHON) Benchmarks/run.py

clean:
	rm -rf .build
