import itertools

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from dynsweep.figure import style
from dynsweep.figure.labels import apart, axis_label, equation, math_symbol, number
from dynsweep.figure.scales import (
    evenly,
    is_log_spaced,
    plain_log_ticks,
    spans_decades,
    tick_at_values,
    tick_words,
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.geomspace(0.01, 1, 9), True),
        ([2, 4, 8], True),
        (np.unique(np.geomspace(1, 1e5, 60).round()), True),
        (np.linspace(0.1, 10, 30), False),
        ([1, 2, 3, 4, 6, 8, 10], False),
        (np.linspace(0, 60, 61), False),
        ([1, 100], False),
        ([0, 1, 10, 100], False),
        ([-1, -10, -100], False),
    ],
)
def test_log_spacing(values, expected):
    assert is_log_spaced(values) is expected


def test_decades():
    assert spans_decades([1, 10, 100])
    assert not spans_decades([0, 10, 1000])
    assert not spans_decades([1, 99])
    assert spans_decades([1e-3, np.nan, np.inf, 1])


def test_thinning_is_even_on_the_axis():
    values = np.geomspace(1, 1e4, 1000)
    kept = values[evenly(values, 5, "log")]
    assert np.allclose(np.log10(kept), [0, 1, 2, 3, 4], atol=0.01)
    assert np.array_equal(evenly(np.linspace(0, 1, 11), 6, "linear"), [0, 2, 4, 6, 8, 10])
    assert evenly(np.array([0.0, 1, 2]), 5, "log").tolist() == [1, 2]


@pytest.mark.parametrize("size", [17, 21, 24, 25, 31, 33, 41, 49, 50, 61, 101])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_even_points_are_thinned_at_one_stride(size, scale):
    values = np.geomspace(1, 1e4, size) if scale == "log" else np.linspace(0, 60, size)
    kept = evenly(values, 16, scale)
    assert len(set(np.diff(kept))) == 1
    assert 10 <= kept.size <= 24
    assert kept[-1] == size - 1
    if size <= 24:
        assert kept.size == size


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("gamma", r"\gamma"),
        ("m_0", "m_{0}"),
        ("L", "L"),
        ("student", None),
        ("step_size", None),
        (r"P_{\mathrm{sem}}", r"P_{\mathrm{sem}}"),
        ("sigma_eta", r"\sigma_{\eta}"),
        ("lambda0", r"\lambda_{0}"),
        ("H2sum", None),
        ("student2", None),
        ("", None),
    ],
)
def test_symbols(symbol, expected):
    assert math_symbol(symbol) == expected


def test_symbols_of_real_files_are_valid_mathtext(curves_file, map_file, fraction_file):
    import dynsweep

    parser = MathTextParser("agg")
    seen = 0
    for file in (curves_file, map_file, fraction_file):
        for dataset in dynsweep.load(file).values():
            for variable in dataset.variables:
                symbol = math_symbol(str(dataset[variable].attrs.get("symbol", "")))
                if symbol:
                    parser.parse(f"${symbol}$", dpi=72)
                    seen += 1
    assert seen > 20
    assert mpl.rcParams["figure.dpi"] == mpl.rcParamsDefault["figure.dpi"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (4, "4"),
        (0.30000000000000004, "0.3"),
        (1e-5, "$10^{-5}$"),
        (2500000, r"$2.5 \times 10^{6}$"),
        (0.0, "0"),
        (True, "true"),
        (10000.0, "10000"),
        (40000, "40000"),
        ("tied", "tied"),
        (float("inf"), "inf"),
    ],
)
def test_numbers(value, expected):
    assert number(value) == expected


def test_equations_and_axis_labels():
    step = xr.DataArray(
        [0.1],
        dims="step_size",
        name="step_size",
        attrs={"symbol": "gamma", "long_name": "SGD step gamma_0, O(1): not divided by d"},
    )
    assert equation(step, 0.1) == r"step size $\gamma$ = 0.1", "the job's name, then the symbol"
    assert axis_label(step) == r"SGD step $\gamma_{0}$"
    word = xr.DataArray(["tied"], dims="student", name="student")
    assert equation(word, "tied") == "student: tied"
    case = {"symbol": "omega", "long_name": "positional_semantic: share of the target (0..1)"}
    assert axis_label(xr.DataArray([0.1], dims="omega", name="omega", attrs=case)) == (
        "share of the target\N{NO-BREAK SPACE}$\\omega$"
    )
    time = xr.DataArray(
        [0.0],
        dims="time",
        name="time",
        attrs={"long_name": "rescaled time", "units": "t", "symbol": "t"},
    )
    assert axis_label(time) == "rescaled time\N{NO-BREAK SPACE}$t$"


@pytest.mark.parametrize(
    ("long_name", "expected"),
    [
        ("overlap W^T W*/d", "overlap $W^{T}$ $W^{*}/d$"),
        ("|k.k*|", r"$|k \cdot k^{*}|$"),
        ("distance of W/|W| from W_mm", "distance of $W/|W|$ from $W_{mm}$"),
        ("share with |m| > |e|", "share with |m| > |e|\N{NO-BREAK SPACE}$S$"),
        ("step_size of the run", "step_size of the run\N{NO-BREAK SPACE}$S$"),
        ("trace of M/p", "trace of $M/p$"),
        ("error of the matrix B", "error of the matrix B,\N{NO-BREAK SPACE}$S$"),
    ],
)
def test_formulas_in_words_are_typeset(long_name, expected):
    attrs = {"symbol": "S", "long_name": long_name}
    label = axis_label(xr.DataArray([0.5], dims="x", name="word", attrs=attrs))
    assert label == expected
    MathTextParser("agg").parse(label, dpi=72)


def test_one_letter_means_one_thing():
    steps = xr.DataArray([0], dims="time", name="time", attrs={"symbol": "k"})
    width = xr.DataArray([1], dims="width", name="width", attrs={"symbol": "k"})
    _, first, second = apart(None, steps, width)
    assert equation(first, 3) == "time $k$ = 3"
    assert equation(second, 3) == "width = 3"
    assert equation(apart(width)[0], 3) == "width $k$ = 3"
    other = xr.DataArray([0], dims="time_prime", name="time_prime", attrs={"symbol": "k"})
    assert equation(apart(steps, other)[1], 3) == r"time prime $k^{\prime}$ = 3"
    # A name that is a symbol is the one the job's author knows.
    length = xr.DataArray([1], dims="L", name="L", attrs={"symbol": "T"})
    assert equation(length, 3) == "$L$ = 3"


def test_a_log_axis_is_labelled_in_one_way():
    for low, high, expected in (
        (1, 1e5, {"$10^{0}$", "$10^{3}$", "$10^{5}$"}),
        (1, 1e4, {"1", "1000", "10000"}),
        (1e-5, 1, {"$10^{-5}$", "$10^{0}$"}),
        (0.2, 7, {"0.5", "1", "5"}),
    ):
        axes = Figure().subplots()
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        plain_log_ticks(axes.xaxis)
        axes.figure.draw_without_rendering()
        ticks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        texts = {item.get_text() for place, item in ticks if low * 0.999 <= place <= high * 1.001}
        assert expected <= texts
        powers = {text.startswith("$") for text in texts}
        assert len(powers) == 1


def test_values_as_ticks_are_labelled_in_one_way():
    for values, expected in (
        ([1e-4, 0.1], ["$10^{-4}$", "$10^{-1}$"]),
        ([0.01, 0.2, 4.0], ["0.01", "0.2", "4"]),
        ([0.1, 0.2378, 0.5657, 1.345, 3.2], ["0.1", "0.2378", "0.5657", "1.345", "3.2"]),
    ):
        axes = Figure().subplots()
        axes.set_xscale("log")
        tick_at_values(axes, np.array(values), "log")
        axes.figure.draw_without_rendering()
        assert [item.get_text() for item in axes.get_xticklabels()] == expected


def texts(axes):
    """Return the labels of the horizontal axis that are drawn, and their boxes in pixels."""
    axes.figure.draw_without_rendering()
    low, high = axes.get_xlim()
    shown = [
        label
        for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        if low <= place <= high and label.get_text()
    ]
    return [(label.get_text(), label.get_window_extent()) for label in shown]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1e-4, 0.1, 0.2, 0.5, 1, 2], "log"),
        ([1000, 1100, 1200, 5000, 90000], "linear"),
        ([0.012345, 0.023456, 0.034567, 0.045678, 0.056789, 0.067891, 0.078912], "linear"),
        ([1e-4, 2.1e-4, 4.4e-4, 9.2e-4, 2e-3], "log"),
        ([2, 4, 8, 16, 32, 64, 128, 256], "log"),
    ],
)
@pytest.mark.parametrize("inches", [3.3, 5.4])
def test_labels_of_values_do_not_run_into_each_other(values, scale, inches):
    axes = Figure(figsize=(inches, 3)).subplots()
    axes.plot(values, values)
    axes.set_xscale(scale)
    if scale == "log":
        plain_log_ticks(axes.xaxis)
    tick_at_values(axes, np.array(values, dtype=float), scale)
    boxes = [box for _, box in texts(axes)]
    assert len(boxes) >= 2
    for left, right in itertools.pairwise(boxes):
        assert left.x1 < right.x0


def test_words_stand_side_by_side_and_slant_where_they_are_long():
    for words, slant in ((["tied", "untied"], 0), (["a_rather_long_word"] * 5, 30)):
        axes = Figure(figsize=(4, 3)).subplots()
        axes.plot(range(len(words)), range(len(words)))
        tick_words(axes.xaxis, words)
        axes.figure.draw_without_rendering()
        assert [label.get_text() for label in axes.get_xticklabels()] == words
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {slant}


def test_no_colour_stands_for_two_words():
    for count in (2, 7, 12):
        words = xr.DataArray([f"word{index}" for index in range(count)], dims="x", name="x")
        assert len({str(colour) for colour in style.colours(words)}) == count


def test_long_labels_break_between_words_and_keep_their_symbol():
    share = xr.DataArray(
        [0.5],
        dims="x",
        name="share",
        attrs={
            "symbol": r"P_{\mathrm{sem}}",
            "long_name": "fraction of runs with |m| > |e| at the end",
        },
    )
    assert axis_label(share).splitlines() == [
        "fraction of runs with |m| > |e| at the",
        "end\N{NO-BREAK SPACE}$P_{\\mathrm{sem}}$",
    ]
    assert "\n" not in axis_label(share.assign_attrs(long_name="positional share of the target"))
