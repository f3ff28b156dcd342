"""The figures as functions, every run as a line, and pictures of a running sweep."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import CURVES, TESTBENCH, environment, run
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.container import ErrorbarContainer

import dynsweep
from dynsweep.figure import FigureError, FigureSpec, draw
from dynsweep.figure.cli import main
from dynsweep.figure.live import Writers


@pytest.fixture
def results(curves_file):
    return dynsweep.load(curves_file)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def labels(axes):
    dots = [item for item in axes.containers if isinstance(item, ErrorbarContainer)]
    return {str(item.get_label()) for item in [*axes.lines, *dots]} - {""}


def test_curves_draw_what_the_command_draws(results):
    panels = dynsweep.curves(results)
    assert panels.shape == (3,)
    assert plt.get_fignums() == [panels[0].figure.number], "a notebook shows it"
    drawn = draw(results).axes
    for axes, other in zip(panels, drawn, strict=True):
        assert axes.get_title() == other.get_title()
        for line, same in zip(axes.lines, other.lines, strict=True):
            np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())


def test_curves_into_the_callers_axes(results):
    figure, (left, right) = plt.subplots(1, 2)
    found = dynsweep.curves(
        results, "overlap", hue="L", panels="none", at={"student": "untied"}, ax=left
    )
    assert found is left
    assert not right.lines
    assert figure._suptitle is None
    assert "ode, L = 8" in labels(left)
    texts = [text.get_text() for text in left.get_legend().get_texts()]
    assert texts[:2] == ["$L$", "2"]
    with pytest.raises(FigureError, match="given axes hold one panel, not 3"):
        dynsweep.curves(results, ax=right)


def test_only_some_methods(results):
    axes = dynsweep.curves(results, panels="none", methods=["sgd", "ode"])
    assert not any("overlap-chain" in label for label in labels(axes))
    with pytest.raises(FigureError, match="no method 'odd'; the file has sgd"):
        dynsweep.curves(results, methods=["odd"])


def test_heatmaps(map_file, kernel_file):
    diagram = dynsweep.load(map_file)
    axes = dynsweep.heatmap(diagram, "risk_semantic", "omega", "a")
    (mesh,) = (item for item in axes.collections if isinstance(item, QuadMesh))
    expected = diagram["closed-form"].risk_semantic.transpose("a", "omega")
    np.testing.assert_array_equal(mesh.get_array().reshape(25, 31), expected)
    kernel = dynsweep.load(kernel_file)
    panels = dynsweep.heatmap(kernel, "product", "time", "time_prime", panels="index")
    assert [axes.get_title()[-1] for axes in panels] == ["0", "1"]


def runs_of(axes):
    found = {}
    for item in axes.collections:
        if isinstance(item, LineCollection) and item.get_label() in found | {item.get_label(): 0}:
            found[item.get_label()] = [np.asarray(path) for path in item.get_segments()]
    return found


def test_every_run_is_a_line(partial_file):
    results = dynsweep.load(partial_file)
    panels = dynsweep.trajectories(results, "overlap", hue="student", panels="L")
    drawn = runs_of(panels[0])["sgd, student = tied"]
    assert len(drawn) == 3, "runs that failed or diverged are left out"
    done = results["sgd"].overlap.sel(student="tied", L=2).isel(seed=slice(2, None))
    for line, one in zip(drawn, done, strict=True):
        np.testing.assert_array_equal(line, np.stack([one.time, one], axis=1))
    (theory,) = runs_of(panels[2])["ode, student = untied"]
    np.testing.assert_array_equal(theory[:, 1], results["ode"].overlap.sel(student="untied", L=8))


def test_one_observable_against_another(fraction_file):
    results = dynsweep.load(fraction_file)
    at = {"step_size": 0.2}
    with pytest.raises(FigureError, match="'semantic' has no time"):
        dynsweep.trajectories(results, "overlap", "semantic", panels="none", at=at)
    axes = dynsweep.trajectories(results, "overlap", "overlap", hue="omega", panels="none", at=at)
    drawn = runs_of(axes)["overlap-chain, omega = 0.9"]
    assert len(drawn) == 8
    assert all(np.array_equal(line[:, 0], line[:, 1]) for line in drawn)


def test_trajectories_need_time(map_file, results):
    with pytest.raises(FigureError, match="no time"):
        dynsweep.trajectories(dynsweep.load(map_file), "risk_semantic")
    with pytest.raises(FigureError, match="along time or an observable, not 'L'"):
        dynsweep.trajectories(results, "overlap", "L")


def test_reference_lines_of_the_job_and_of_the_command(results, curves_file, tmp_path):
    job = CURVES.replace("panels: L}", "panels: L, ylines: [0.5, 1], xlines: 4, at: {d: 100}}")
    results = results.with_job(job.replace(", at: {d: 100}", ""))
    for axes in draw(results).axes:
        flat = [line for line in axes.lines if len(set(line.get_ydata())) == 1]
        assert {line.get_ydata()[0] for line in flat} >= {0.5, 1}
        assert any(set(line.get_xdata()) == {4} for line in axes.lines)
    # Another horizontal axis has other values.
    figure = draw(results, FigureSpec(x="L", panels="none"))
    assert not any(set(line.get_xdata()) == {4} for line in figure.axes[0].lines)
    picture = tmp_path / "lines.png"
    assert main([str(curves_file), "--yline", "0.5", "--xline", "3", "-o", str(picture)]) == 0


def test_a_figure_block_may_hold_axes(results):
    results = results.with_job(CURVES.replace("panels: L}", "panels: none, at: {L: 4}}"))
    (axes,) = draw(results).axes
    line = next(line for line in axes.lines if line.get_label() == "ode, student = tied")
    expected = results["ode"].overlap.sel(student="tied", L=4)
    np.testing.assert_array_equal(line.get_ydata(), expected)
    by_command = draw(results, FigureSpec(at={"L": 8}))
    assert "at L = 8 (of 2 ... 8)" in by_command.get_suptitle()


def test_several_files_are_drawn_as_one(curves_file, partial_file, tmp_path, capsys):
    picture = tmp_path / "both.png"
    assert main([str(partial_file), str(curves_file), "-o", str(picture)]) == 0
    assert "tasks done" not in capsys.readouterr().err, "together they are complete"


#: Twelve tasks of a third of a second each, published as they come.
SLOW = """
name: slow
model: trial
methods: [walk]
parameters: {index: [0, 1, 2, 3], milliseconds: 300}
seeds: 3
record: {times: {range: [0, 30, 2]}}
output: slow.h5
"""


def test_live_draws_again_until_the_run_is_complete(tmp_path, capsys):
    (tmp_path / "slow.yaml").write_text(SLOW)
    run = subprocess.Popen(
        [TESTBENCH, "run", "slow.yaml", "--quiet"], cwd=tmp_path, env=environment()
    )
    try:
        file = tmp_path / "slow.h5"
        while not (file.exists() or (tmp_path / "slow.h5.lock").exists()):
            assert run.poll() is None
            time.sleep(0.02)
        assert main([str(file), "--live", "--every", "0.05"]) == 0
    finally:
        run.wait(timeout=120)
    written = capsys.readouterr()
    assert written.out.splitlines()[-1] == str(tmp_path / "slow.png")
    assert dynsweep.load(file).is_complete
    assert not list(tmp_path.glob(".*part*"))


def test_live_ends_when_the_run_stopped(partial_file, tmp_path, capsys):
    picture = tmp_path / "live.png"
    arguments = ["--live", "--every", "0.01", "-o", str(picture)]
    assert main([str(partial_file), *arguments]) == 0
    assert "stopped before it was complete" in capsys.readouterr().err
    assert picture.exists()
    assert main([str(tmp_path / "none.h5"), *arguments]) == 2
    assert "no run writes it" in capsys.readouterr().err


def test_live_ends_when_the_run_was_killed(partial_file, tmp_path, capsys, monkeypatch):
    """A run that is killed leaves its lock."""
    lock = partial_file.with_name(partial_file.name + ".lock")
    arguments = [str(partial_file), "--live", "--every", "0.01", "-o", str(tmp_path / "live.png")]
    gone = subprocess.Popen(["true"])
    gone.wait()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    holder = {"host": socket.gethostname(), "bootID": boot, "pid": gone.pid}
    lock.write_text(json.dumps(holder))
    assert main(arguments) == 0
    assert "stopped before it was complete" in capsys.readouterr().err
    # On another host it is the lock's age that tells.
    lock.write_text(json.dumps(holder | {"host": "elsewhere"}))
    assert Writers([str(partial_file)]).are_alive()
    monkeypatch.setattr("dynsweep.figure.live.PATIENCE_SECONDS", 0.2)
    assert main(arguments) == 0
    assert "stopped before it was complete" in capsys.readouterr().err
    holder["pid"] = os.getpid()
    lock.write_text(json.dumps(holder))
    assert Writers([str(partial_file)]).are_alive(), "a process that lives"


#: Words as an axis: a theory and a simulation that differ by the word.
WORDS = """
name: a job with a name that is much too long for one line of a figure of one panel, and goes on
model: sequence-single-index
methods: [overlap-chain, ode]
parameters:
  d: 60
  L: 2
  activation: [relu, identity, tanh]
  student: [tied, untied]
  target: sum
  step_size: 0.1
  init_scale: 0.3
seeds: 3
record: {times: [10, 600], observables: [overlap]}
output: words.h5
"""


@pytest.fixture(scope="module")
def words_file(tmp_path_factory):
    return run(WORDS, tmp_path_factory.mktemp("words"))


def test_words_on_an_axis_have_their_names_and_no_line_between(words_file):
    results = dynsweep.load(words_file)
    figure = draw(results, FigureSpec(x="activation", hue="student", panels="none"))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert [item.get_text() for item in axes.get_xticklabels()] == ["relu", "identity", "tanh"]
    theory = next(line for line in axes.lines if line.get_label() == "ode, student = untied")
    assert theory.get_linestyle() == "None"
    assert theory.get_marker() == "_"
    assert theory.get_xdata().tolist() == [0, 1, 2]
    expected = results["ode"].overlap.sel(student="untied").isel(time=-1)
    np.testing.assert_array_equal(theory.get_ydata(), expected)
    # The name is broken before the legend.
    right = figure._suptitle.get_window_extent().x1
    assert right < figure.legends[0].get_window_extent().x0


def test_a_map_over_words(words_file):
    axes = dynsweep.heatmap(dynsweep.load(words_file), "overlap", "activation", "student")
    axes.figure.draw_without_rendering()
    assert [item.get_text() for item in axes.get_yticklabels()] == ["tied", "untied"]
    assert [item.get_text() for item in axes.get_xticklabels()] == ["relu", "identity", "tanh"]
    (mesh,) = [item for item in axes.collections if isinstance(item, QuadMesh)]
    assert mesh.get_array().shape == (2, 3)


def test_a_single_point_of_theory_is_seen(tmp_path):
    job = WORDS.replace("[relu, identity, tanh]", "relu").replace("[tied, untied]", "tied")
    for old, new in (("[10, 600]", "[10]"), ("overlap-chain, ", ""), ("seeds: 3\n", "")):
        job = job.replace(old, new)
    file = run(job, tmp_path)
    (line,) = draw(dynsweep.load(file)).axes[0].lines
    assert (line.get_marker(), line.get_markevery()) == ("_", [0])


def test_runs_of_two_simulations_differ_without_colours(results):
    spec = FigureSpec(hue="student", panels="none", trajectories=True)
    runs = [
        item for item in draw(results, spec).axes[0].collections if isinstance(item, LineCollection)
    ]
    styles = {item.get_label().split(",")[0]: item.get_linestyle()[0] for item in runs}
    assert styles["sgd"] != styles["overlap-chain"]


def test_a_later_figure_block_is_drawn(curves_file, tmp_path, capsys):
    job = tmp_path / "later.yaml"
    job.write_text(CURVES.replace("hue: student, panels: L", "hue: L, panels: student"))
    picture = tmp_path / "later.png"
    assert main([str(curves_file), "--job", str(job), "-o", str(picture)]) == 0
    later = draw(dynsweep.load(curves_file).with_job(job.read_text()))
    assert [axes.get_title() for axes in later.axes] == ["student: tied", "student: untied"]
    job.write_text("- no mapping")
    assert main([str(curves_file), "--job", str(job), "-o", str(picture)]) == 2
    assert "it is no mapping" in capsys.readouterr().err


def test_a_jobs_figure_may_use_all_keys(tmp_path):
    """What the program accepts is what is drawn: a kernel's other time as colours."""
    job = """
name: kernel
model: trial
methods: [walk, sampled]
parameters: {index: [0, 1], walkers: 3}
seeds: 4
record: {times: {range: [0, 30, 2]}, kernels: true}
output: kernel.h5
figure:
  x: time
  y: product
  hue: time_prime
  panels: none
  at: {index: 1, power: 2}
  ylines: [0.5, 1]
  xlines: 4
  methods: walk
"""
    (axes,) = draw(dynsweep.load(run(job, tmp_path, binary=TESTBENCH))).axes[:1]
    assert len([item for item in axes.containers if isinstance(item, ErrorbarContainer)]) == 16
    flat = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
    assert flat >= {0.5, 1}
