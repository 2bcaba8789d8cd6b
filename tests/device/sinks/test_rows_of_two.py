"""Rows of two runs never stand mixed in one file."""

import pytest

from device.errors import EdgeError
from device.sinks.csv import CsvSink
from device.sinks.jsonl import JsonLinesSink


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_file_that_another_run_writes_is_refused_until_it_ends(tmp_path, a_result, kind, append):
    path = tmp_path / f"rows.{kind}"

    def opened():
        if kind == "csv":
            return CsvSink(path, ("happy", "sad"), overwrite=True, append=append)
        return JsonLinesSink(path, overwrite=True, append=append)

    first, second = opened(), opened()
    first.begin()
    first.write(a_result(0))
    kept = path.read_bytes()
    with pytest.raises(EdgeError, match=r"another program writes .*; let it end, or name another file"):
        second.begin()
    assert path.read_bytes() == kept
    first.close()
    second.begin()
    second.close()
    assert path.read_bytes().startswith(kept) == append
