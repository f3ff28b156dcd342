"""The loaders for other languages, run by their interpreters where they are present."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT

import dynsweep

LOADERS = ROOT / "analysis" / "loaders"

#: Each prints dimensions, texts, one seed's curve, the shape of the errors, a mean over done seeds.
SCRIPTS = {
    "Rscript": """
source("{loaders}/dynsweep_load.R")
sgd <- dynsweep_load("{file}", "sgd")
cat(names(dimnames(sgd$overlap)), "\\n")
cat(sgd$student, sgd$target, "\\n")
cat(format(sgd$overlap["untied", "4", "6", ], digits = 17), "\\n")
cat(dim(sgd$error), "\\n")
cat(format(dynsweep_mean(sgd, "overlap")["tied", "2", ], digits = 17), "\\n")
""",
    "octave-cli": """
addpath("{loaders}");
sgd = dynsweep_load("{file}", "sgd");
disp(strjoin(sgd.dims.overlap, " "));
disp(strjoin([sgd.student(:)', sgd.target], " "));
printf("%.17g ", sgd.overlap(2, 2, 4, :)); disp("");
disp(size(sgd.error));
overlap = sgd.overlap;
overlap(repmat(sgd.status ~= 1, 1, 1, 1, numel(sgd.time))) = NaN;
overlap = squeeze(overlap(1, 1, :, :));
printf("%.17g ", mean(overlap(!isnan(overlap(:, 1)), :), 1)); disp("");
""",
    "julia": """
include("{loaders}/dynsweep_load.jl")
sgd = dynsweep_load("{file}", "sgd")
println(join(sgd["overlap"].dims, " "))
println(join([sgd["student"].values; sgd["target"].values], " "))
println(join(sgd["overlap"].values[2, 2, 4, :], " "))
println(join(size(sgd["error"].values), " "))
println(join(dynsweep_mean(sgd, "overlap")[1, 1, :], " "))
""",
}

#: What tells whether an interpreter has the packages that its loader needs.
NEEDS = {
    "Rscript": ["-e", "library(hdf5r)"],
    "octave-cli": ["--no-gui", "--eval", "pkg load netcdf"],
    "julia": ["-e", "using HDF5"],
}


def run(*command):
    return subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("interpreter", SCRIPTS)
def test_numbers_names_and_texts_are_those_of_the_file(interpreter, partial_file, tmp_path):
    if shutil.which(interpreter) is None:
        pytest.skip(f"no {interpreter} on this machine")
    has_package = run(interpreter, *NEEDS[interpreter])
    if has_package.returncode:
        pytest.skip(f"{interpreter} without its HDF5 package: {has_package.stderr.strip()[-80:]}")
    script = tmp_path / ("script.m" if interpreter == "octave-cli" else "script")
    script.write_text(SCRIPTS[interpreter].format(loaders=LOADERS, file=partial_file))
    done = run(interpreter, script)
    assert done.returncode == 0, done.stderr
    dims, texts, curve, error, mean = (line.split() for line in done.stdout.splitlines())
    sgd = dynsweep.load(partial_file)["sgd"]
    assert dims == list(sgd.overlap.dims)
    assert texts == ["tied", "untied", sgd.target.item()]
    expected = sgd.overlap.sel(student="untied", L=4, seed=6)
    np.testing.assert_array_equal(np.array(curve, dtype=float), expected)
    assert error == ["2", "3", "5"]
    over_done = dynsweep.mean(sgd).overlap.sel(student="tied", L=2)
    np.testing.assert_allclose(np.array(mean, dtype=float), over_done, rtol=1e-14)


@pytest.mark.parametrize("name", ["dynsweep_load.R", "dynsweep_load.m", "dynsweep_load.jl"])
def test_loaders_are_short(name):
    assert len((LOADERS / name).read_text().splitlines()) <= 40
