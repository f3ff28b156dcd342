import numpy as np
import pytest

import dynsweep


def test_a_row_a_task_and_time(partial_file):
    results = dynsweep.load(partial_file)
    frame = dynsweep.to_dataframe(results, "overlap")
    assert set(frame["method"]) == {"sgd", "overlap-chain", "ode"}
    sgd = frame[frame.method == "sgd"]
    assert len(sgd) == 24 * 33, "done tasks only"
    assert not sgd.overlap.isna().any()
    row = sgd[(sgd.student == "tied") & (sgd.L == 4) & (sgd.seed == 5) & (sgd.time == 2)]
    expected = results["sgd"].overlap.sel(student="tied", L=4, seed=5, time=2).item()
    assert row.overlap.tolist() == [expected]
    assert (sgd.d == 100).all()
    ode = frame[frame.method == "ode"]
    assert len(ode) == 2 * 3 * 33


def test_means_and_errors(partial_file):
    results = dynsweep.load(partial_file)
    frame = dynsweep.to_dataframe(results, "overlap", method="sgd", over_seeds=True)
    assert len(frame) == 6 * 33
    statistics = results.statistics("sgd")
    indexed = frame.set_index(["student", "L", "time"]).sort_index()
    for name in ("overlap", "overlap_sem", "seeds_done"):
        for student, length in (("tied", 2), ("untied", 8)):
            np.testing.assert_array_equal(
                indexed.loc[(student, length), name],
                statistics[name].sel(student=student, L=length),
            )


def test_own_dimensions_only_when_named(curves_file):
    results = dynsweep.load(curves_file)
    plain = dynsweep.to_dataframe(results["sgd"])
    assert "token" not in plain
    assert len(plain) == 30 * 33
    assert {"overlap", "weak_recovery_time"} <= set(plain)
    tokens = dynsweep.to_dataframe(results["sgd"], "overlap_vec")
    assert len(tokens) == 30 * 33 * 8
    with pytest.raises(KeyError, match="no method has overlab"):
        dynsweep.to_dataframe(results, "overlab")
    with pytest.raises(KeyError, match="no observable 'overlab'"):
        dynsweep.to_dataframe(results["sgd"], "overlab")
