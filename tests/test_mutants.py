"""``benchmarks/mutants.py``: its sample is the same for a seed, and each mutant has tests that know its file."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def mutants(monkeypatch):
    pytest.importorskip(
        "mutmut.mutation.mutators", reason="mutmut is not installed; `make mutants` brings it"
    )
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import mutants

    yield mutants
    sys.modules.pop("mutants")


def test_a_sample_is_the_same_for_a_seed_and_takes_from_every_kind(mutants):
    drawn = mutants.sample("device/faces", 30, seed=1)
    assert [one.digest() for one in drawn] == [one.digest() for one in mutants.sample("device/faces", 30, 1)]
    assert [one.digest() for one in drawn] != [one.digest() for one in mutants.sample("device/faces", 30, 2)]
    assert len({one.kind for one in drawn}) > 8
    for one in drawn:
        assert one.text() != (ROOT / one.path).read_text()
        compile(one.text(), one.path, "exec")


def test_the_tests_of_a_file_are_those_of_its_name_its_users_and_its_room(mutants):
    found = mutants.covering_tests("device/faces/tracking.py", ROOT)
    assert found[0] == "tests/device/faces/test_tracking.py"
    assert "tests/device/faces/test_detectors.py" in found
    assert "tests/device/runtime/test_benchmark.py" in mutants.covering_tests("device/cli/benchmark.py", ROOT)


def test_reasons_on_the_page_are_kept(mutants, tmp_path):
    survivor, killed = mutants.sample("device/faces", 2, seed=1)
    killers, page = {survivor.digest(): "", killed.digest(): "a test"}, tmp_path / "mutants.md"
    mutants.write_page(page, 1, {"device/faces": [survivor, killed]}, killers)
    assert "| `device/faces/` | 2 | 1 (50 %) |" in page.read_text()
    page.write_text(page.read_text().replace(" |  |", " | it is equal |"))
    mutants.write_page(page, 1, {"device/faces": [survivor, killed]}, killers)
    assert page.read_text().count("it is equal") == 1
    other = mutants.sample("device/board", 1, seed=1)[0]
    mutants.write_page(page, 1, {"device/board": [other]}, {other.digest(): ""})
    assert page.read_text().count("it is equal") == 1
    assert page.read_text().count("| `device/") == 4
    assert page.read_text().index("`device/board/`") < page.read_text().index(
        "| `device/faces/` | 2 | 1 (50 %) |"
    )
