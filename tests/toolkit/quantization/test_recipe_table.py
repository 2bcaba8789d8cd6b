"""The table of all recipes, and Google's own tool beside them."""

import os

import pytest

from device.errors import EdgeError
from device.runtime.benchmark import LatencyRatio
from toolkit.quantization.litert_baseline import quantize_by_litert
from toolkit.quantization.recipe_table import RecipeRow, comparison_lines, recommended

pytestmark = pytest.mark.toolkit


def row(recipe, kib=500, ms=1.0, drop=0.0):
    ratio = LatencyRatio(ms, ms, ms)
    return RecipeRow(
        recipe, kib * 1024, ms, ratio, 0.7 - drop / 100, drop, (drop - 0.2, drop + 0.2), 0.99, 1000, ()
    )


FLOAT = row("float32", 2000, 1.0)


def test_the_table_says_when_its_faces_are_synthetic():
    rows = [FLOAT, row("int8")]
    decision = recommended(rows)
    assert "synthetic faces" in comparison_lines(rows, decision, synthetic=True)[0]
    assert "synthetic" not in "".join(comparison_lines(rows, decision, synthetic=False))


def test_the_table_shows_a_loss_as_a_negative_change_and_ends_in_the_reasons():
    rows = [FLOAT, row("int8", 500, 0.25, 0.3)]
    decision = recommended(rows)
    lines = comparison_lines(rows, decision, synthetic=False)
    assert "−0.30 (−0.50 to −0.10)" in lines[3]
    assert tuple(lines[4:]) == decision.reasons


def test_a_limit_of_the_user_decides():
    rows = [FLOAT, row("int8", 500, 0.2, 0.4), row("float16", 1000, 1.0, 0.0)]
    assert recommended(rows).choice == "int8"
    assert recommended(rows, 0.1).choice == "float16"
    assert recommended([FLOAT, row("int8", 500, 0.2, 3.0)], 4.0).choice == "int8"


def test_without_googles_litert_there_is_no_peer(quantizer, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert quantize_by_litert(quantizer) is None


def test_a_peer_that_fails_is_one_line(quantizer, monkeypatch, tmp_path):
    program = tmp_path / "litert"
    program.write_text("#!/bin/sh\necho out of order; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(EdgeError, match=r"^litert fails: out of order$"):
        quantize_by_litert(quantizer)
