"""What a worker does: Dask may do any task a second time."""

from pathlib import Path

import xarray as xr
from small_study import make_study

import lstm_analysis as la
from lstm_analysis import reductions
from lstm_analysis.packed import read_packed, write_packed
from lstm_analysis.tasks import merge_partials, partial_path


def test_merging_a_second_time_finds_the_result_of_the_first(tmp_path: Path) -> None:
    states, labels, columns = make_study()
    parts = [la.summarize(*(x.isel(time=rows) for x in (states, labels)),
                          bin_edge=reductions.pilot_edges(states),
                          **{name: column.isel(time=rows) for name, column in columns.items()})
             for rows in (slice(0, 20), slice(20, 60))]  # fmt: skip
    partial_path(tmp_path, 0, 0).parent.mkdir()
    for i, part in enumerate(parts):
        write_packed(partial_path(tmp_path, 0, i), part)
    assert merge_partials(0, 1, [0, 1], tmp_path) == 1
    once = read_packed(partial_path(tmp_path, 1, 0))
    assert not partial_path(tmp_path, 0, 0).exists()
    assert merge_partials(0, 1, [0, 1], tmp_path) == 1
    xr.testing.assert_identical(read_packed(partial_path(tmp_path, 1, 0)), once)
    assert int(once["n_token"].sum()) == int(sum(part["n_token"].sum() for part in parts))
