"""What is drawn, read off the figure's artists."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.container import ErrorbarContainer
from matplotlib.image import imread

import dynsweep
from dynsweep.figure import CurvesPlan, FigureError, FigureSpec, MapPlan, draw, plan
from dynsweep.figure.cli import main


@pytest.fixture
def results(curves_file):
    return dynsweep.load(curves_file)


def dots(axes):
    return {
        item.get_label(): item for item in axes.containers if isinstance(item, ErrorbarContainer)
    }


def lines(axes):
    """The theory's lines by label, without the parts of error bars."""
    parts = {line for item in dots(axes).values() for line in (item.lines[0], *item.lines[1])}
    return {line.get_label(): line for line in axes.lines if line not in parts}


def legend(figure):
    return [text.get_text() for item in figure.legends for text in item.get_texts()]


def test_the_jobs_figure(results):
    figure = draw(results)
    assert [axes.get_title() for axes in figure.axes] == ["$L$ = 2", "$L$ = 4", "$L$ = 8"]
    for axes in figure.axes:
        assert set(lines(axes)) == {"ode, student = tied", "ode, student = untied"}
        assert set(dots(axes)) == {
            f"{method}, student = {student}"
            for method in ("sgd", "overlap-chain")
            for student in ("tied", "untied")
        }
    text = legend(figure)
    assert text[:3] == ["student", "tied", "untied"]
    bars = "\nmean ± s.e., 5 seeds"
    assert set(text[4:]) == {f"sgd{bars}", f"overlap-chain{bars}", "ode"}


def test_lines_and_dots_have_the_files_numbers(results):
    axes = draw(results).axes[1]
    line = lines(axes)["ode, student = untied"]
    theory = results["ode"].overlap.sel(L=4, student="untied")
    assert np.array_equal(line.get_xdata(), theory.time)
    assert np.array_equal(line.get_ydata(), theory)

    point, _, bars = dots(axes)["sgd, student = untied"].lines
    statistics = results.statistics("sgd").sel(L=4, student="untied")
    times = point.get_xdata()
    assert np.array_equal(times, np.linspace(0, 8, 17)), "dots are thinned, evenly"
    shown = statistics.sel(time=times)
    assert np.allclose(point.get_ydata(), shown.overlap)
    low, high = np.array(bars[0].get_segments())[:, :, 1].T
    assert np.allclose((high - low) / 2, shown.overlap_sem)


def test_theory_and_simulation_share_a_colour_and_methods_a_marker(results):
    axes = draw(results).axes[0]
    sgd = dots(axes)["sgd, student = tied"].lines[0]
    chain = dots(axes)["overlap-chain, student = tied"].lines[0]
    assert sgd.get_color() == lines(axes)["ode, student = tied"].get_color()
    assert sgd.get_color() != lines(axes)["ode, student = untied"].get_color()
    assert sgd.get_marker() != chain.get_marker()


def test_choices_without_a_figure_block(results):
    results = results.with_job("name: bare")
    settled = plan(results, FigureSpec())
    assert settled == CurvesPlan("overlap", "time", "student", "L", {}, settled.methods)
    assert set(settled.methods) == set(results.methods)


def test_an_axis_on_the_command_line_takes_it_from_the_job(results):
    figure = draw(results, FigureSpec(x="L", panels="none", at={"time": "8"}))
    (axes,) = figure.axes
    assert set(lines(axes)) == {"ode, student = tied", "ode, student = untied"}
    line = lines(axes)["ode, student = tied"]
    assert line.get_xdata().tolist() == [2, 4, 8]
    assert np.allclose(line.get_ydata(), results["ode"].overlap.sel(time=8, student="tied"))
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "4", "8"]
    assert "at time = 8" in figure.get_suptitle()


def test_remaining_axes_are_held_and_said(results):
    figure = draw(results, FigureSpec(hue="none", panels="none"))
    (axes,) = figure.axes
    assert set(lines(axes)) == {"ode"}
    expected = results["ode"].overlap.isel(L=0, student=0)
    assert np.array_equal(lines(axes)["ode"].get_ydata(), expected)
    assert "at student = tied (of tied ... untied)" in figure.get_suptitle()
    assert "at L = 2 (of 2 ... 8)" in figure.get_suptitle()


def test_an_observables_own_dimension_is_an_axis(results):
    settled = plan(results, FigureSpec(y="overlap_vec", hue="token", at={"L": 4}))
    assert settled.hue == "token"
    figure = draw(results, FigureSpec(y="overlap_vec", hue="token", at={"L": 4}))
    untied = next(axes for axes in figure.axes if "untied" in axes.get_title())
    drawn = lines(untied)["ode, token = 3"].get_ydata()
    expected = results["ode"].overlap_vec.sel(student="untied", L=4).isel(token=2)
    assert np.array_equal(drawn, expected)


def test_methods_as_panels_and_as_hue(results):
    by_panel = draw(results, FigureSpec(hue="student", panels="method"))
    assert {axes.get_title() for axes in by_panel.axes} == {
        f"method: {name}" for name in results.methods
    }
    for axes in by_panel.axes:
        assert bool(lines(axes)) == (axes.get_title() == "method: ode")
    by_hue = draw(results, FigureSpec(hue="method", panels="student"))
    drawn = [lines(by_hue.axes[0])["ode"], dots(by_hue.axes[0])["sgd"].lines[0]]
    assert drawn[0].get_color() != drawn[1].get_color()


def test_partial_files_are_drawn_and_said_to_be(partial_file):
    results = dynsweep.load(partial_file)
    figure = draw(results)
    assert "sgd: 24 of 30 tasks done, 1 failed, 1 diverged" in figure.get_suptitle()
    assert "overlap-chain:" not in figure.get_suptitle()
    single = dots(figure.axes[2])["sgd, student = untied"]
    heights = np.array(single.lines[2][0].get_segments())[:, :, 1]
    assert np.array_equal(heights[:, 0], heights[:, 1]), "one seed has no error bar"


def test_infinite_values_are_left_out_and_said(results, tmp_path, capsys, curves_file):
    # At the start the overlap lies above eta = 2/sqrt(d) or never gets there before t = 8.
    values = results["sgd"].weak_recovery_time.values
    out = tmp_path / "times.png"
    spec = ["--y", "weak_recovery_time", "-o", str(out)]
    assert main([str(curves_file), *spec]) == 0
    said = "values infinite, left out" in capsys.readouterr().err
    assert said == bool(np.isinf(values).any())


def test_no_theory_joins_the_dots_and_log_axis_is_found(fraction_file):
    results = dynsweep.load(fraction_file)
    figure = draw(results, FigureSpec(y="semantic_fraction"))
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert set(dots(axes)) == {"overlap-chain, omega = 0.4", "overlap-chain, omega = 0.9"}
    point, _, bars = dots(axes)["overlap-chain, omega = 0.4"].lines
    assert point.get_linestyle() not in ("None", "none")
    statistics = results.statistics("overlap-chain").sel(omega=0.4)
    assert np.allclose(point.get_ydata(), statistics.semantic_fraction)
    low, high = np.array(bars[0].get_segments())[:, :, 1].T
    assert np.allclose((high - low) / 2, statistics.semantic_sem), "error of what it is the mean of"


def test_long_axes_and_codes_make_a_map_of_regions(map_file):
    results = dynsweep.load(map_file)
    settled = plan(results, FigureSpec.of_job(results.job))
    assert isinstance(settled, MapPlan)
    assert (settled.x, settled.y, settled.colour) == ("a", "omega", "region")
    assert plan(results, FigureSpec(x="a", y="omega", hue="region")) == settled
    figure = draw(results)
    (axes,) = figure.axes
    (mesh,) = (item for item in axes.collections if isinstance(item, QuadMesh))
    region = results["closed-form"].region.transpose("omega", "a").values
    shown = mesh.get_array()
    assert shown.shape == (31, 25)
    # Equal colours exactly where codes are equal.
    pairs = set(zip(region.ravel().tolist(), np.asarray(shown).ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(region)) == len(legend(figure)) > 3
    assert len({code for code, _ in pairs}) == len({colour for _, colour in pairs}) == len(pairs)


def test_a_map_of_numbers_has_a_colour_bar(map_file):
    results = dynsweep.load(map_file)
    figure = draw(results, FigureSpec(y="risk_semantic"))
    assert len(figure.axes) == 2
    assert any(isinstance(item, QuadMesh) for item in figure.axes[0].collections)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (FigureSpec(y="overlab"), "no observable 'overlab'; the file has .*overlap"),
        (FigureSpec(x="alpha"), "x: 'overlap' has no free axis 'alpha'; free are student, L"),
        (FigureSpec(hue="L", panels="L"), "panels: 'overlap' has no free axis 'L'"),
        (FigureSpec(panels="none", at={"L": 3}), "at: L has no value 3; it has 2, 4, 8"),
        (FigureSpec(panels="none", at={"L": "x"}), "at: L is a number, not 'x'"),
        (FigureSpec(at={"d": 7}), "at: 'd' is no axis left to hold"),
    ],
)
def test_wishes_that_cannot_be_met(results, spec, message):
    with pytest.raises(FigureError, match=message):
        draw(results, spec)


def test_command_writes_a_png_and_answers_mistakes(curves_file, tmp_path, capsys):
    out = tmp_path / "pictures" / "a.png"
    assert main([str(curves_file), "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    height, width, _ = imread(out).shape
    assert width > 1000
    assert height > 400
    assert main([str(curves_file), "--y", "overlab"]) == 2
    assert "overlab" in capsys.readouterr().err
    assert main([str(tmp_path / "nothing.h5")]) == 2
    assert "nothing.h5" in capsys.readouterr().err
    assert main([str(curves_file), "--at", "L"]) == 2


def texts(figure):
    """All texts of a figure with the boxes they take, in pixels: ticks, labels, titles, legends."""
    found = [("legend", item) for item in figure.legends] + [("title", figure._suptitle)]
    for axes in figure.axes:
        found += [(item.get_text(), item) for item in (axes.title, axes.xaxis.label)]
        found.append((axes.yaxis.label.get_text(), axes.yaxis.label))
        for axis, view in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            # Panels that share an axis label it once: the others have no labels.
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=False)
            found += [(f"tick {t.get_text()}", t) for at, t in ticks if view[0] <= at <= view[1]]
    shown = [(name, item) for name, item in found if name and name != "tick "]
    return [(name, item.get_window_extent()) for name, item in shown if item.get_visible()]


@pytest.mark.parametrize("file", ["curves", "map", "fraction", "kernel"])
def test_texts_are_inside_and_apart(file, request):
    figure = draw(dynsweep.load(request.getfixturevalue(f"{file}_file")))
    figure.draw_without_rendering()
    boxes = texts(figure)
    assert len(boxes) > 8
    for (name, box), (other, near) in itertools.combinations(boxes, 2):
        assert not box.shrunk(0.97, 0.9).overlaps(near.shrunk(0.97, 0.9)), f"{name}, {other}"
    for name, box in boxes:
        inside = figure.bbox.padded(1)
        assert inside.contains(box.x0, box.y0), name
        assert inside.contains(box.x1, box.y1), name


def test_text_does_not_overlap(curves_file, map_file, fraction_file):
    for file in (curves_file, map_file, fraction_file):
        figure = draw(dynsweep.load(file))
        figure.draw_without_rendering()
        boxes = [item.get_window_extent() for item in figure.legends]
        boxes += [axes.get_window_extent() for axes in figure.axes]
        boxes += [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]
        boxes.append(figure._suptitle.get_window_extent())
        for number, box in enumerate(boxes):
            for other in boxes[number + 1 :]:
                assert not (box.shrunk(0.98, 0.98)).overlaps(other.shrunk(0.98, 0.98))


def test_the_callers_style_is_left_alone(results):
    before = dict(plt.rcParams)
    draw(results)
    assert dict(plt.rcParams) == before
    assert not plt.get_fignums()


def test_a_map_without_values_is_refused(map_file):
    results = dynsweep.load(map_file)
    results["closed-form"]["status"][...] = 0
    with pytest.raises(FigureError, match="no finite value of 'region'"):
        draw(results)
