"""Which recipe is recommended, and the plain words for it."""

import os

import pytest

from device.runtime.benchmark import LatencyRatio
from toolkit.quantization.comparison import Row, comparison_lines, reasons, recommended
from toolkit.quantization.litert_baseline import quantize_by_peer

pytestmark = pytest.mark.toolkit


def row(recipe, kib=500, ms=1.0, drop=0.0):
    ratio = LatencyRatio(ms, ms, ms)
    return Row(
        recipe, kib * 1024, ms, ratio, 0.7 - drop / 100, drop, (drop - 0.2, drop + 0.2), 0.99, 1000, ()
    )


FLOAT = row("float32", 2000, 1.0)


def test_int8_is_taken_where_it_is_about_the_fastest_and_loses_little():
    rows = [FLOAT, row("dynamic", 500, 0.26), row("int8", 510, 0.28, 0.1), row("int16x8", 520, 30)]
    choice = recommended(rows)
    assert choice.recipe == "int8"
    said = "\n".join(reasons(rows, choice))
    assert (
        "Take int8: 3.9 times smaller and 3.6 times faster than float32 here, at a drop of +0.10 points."
        in said
    )
    assert "Not int16x8: it is 107 times slower than int8: no fast kernels exist for it." in said


def test_a_recipe_that_loses_too_much_is_not_taken_however_fast():
    rows = [FLOAT, row("int8", 500, 0.2, 3.0), row("int8-mixed", 800, 0.4, 0.3)]
    choice = recommended(rows)
    assert choice.recipe == "int8-mixed"
    assert "Not int8: it loses 3.00 points, more than 0.5." in reasons(rows, choice)


def test_where_int8_is_slower_than_float_the_float_stays():
    rows = [FLOAT, row("int8", 500, 2.0), row("dynamic", 500, 1.9)]
    choice = recommended(rows)
    assert choice.recipe == "float32"
    assert reasons(rows, choice)[0].endswith("that stays within 0.5 points is as fast.")


def test_where_all_lose_too_much_float32_stays():
    rows = [FLOAT, row("int8", 500, 0.2, 3.0)]
    choice = recommended(rows)
    assert choice is FLOAT
    assert reasons(rows, choice)[0].startswith("Take float32: no quantized variant")


def test_the_limit_is_as_told():
    rows = [FLOAT, row("int8", 500, 0.2, 0.4), row("float16", 1000, 1.0, 0.0)]
    assert recommended(rows).recipe == "int8"
    choice = recommended(rows, 0.1)
    assert choice.recipe == "float16"
    assert "Not int8: it loses 0.40 points, more than 0.1." in comparison_lines(rows, choice, False, 0.1)
    assert recommended([FLOAT, row("int8", 500, 0.2, 3.0)], 4.0).recipe == "int8"


def test_the_table_says_when_its_faces_are_synthetic():
    rows = [FLOAT, row("int8")]
    assert "synthetic faces" in comparison_lines(rows, rows[1], synthetic=True)[0]
    assert "synthetic" not in "".join(comparison_lines(rows, rows[1], synthetic=False))


def test_without_googles_litert_there_is_no_peer(quantizer, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert quantize_by_peer(quantizer) is None


def test_a_peer_that_fails_is_told_not_raised(quantizer, monkeypatch, tmp_path):
    program = tmp_path / "litert"
    program.write_text("#!/bin/sh\necho out of order; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert quantize_by_peer(quantizer) == "litert exits 3: out of order"
