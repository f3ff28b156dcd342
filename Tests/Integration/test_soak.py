"""The crash test in short; ``make soak`` is the long one."""

import soak


def test_killed_at_random_and_resumed_until_done(tmp_path):
    tally = soak.soak(kills=8, seed=3, folder=tmp_path)
    print(tally)
    assert tally.is_clean, str(tally)
    assert tally.sweeps >= 1 and tally.killed_one + tally.killed_all >= 8
