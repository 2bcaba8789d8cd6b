"""``--fail-if``: what a condition may say, and what it decides."""

import pytest

from device.errors import EdgeError, UsageError
from toolkit.reporting.condition import Condition, failing

KNOWN = ("drop", "p50_ms", "p50_ratio")
FIGURES = {"drop": 0.6, "p50_ms": 2.0, "p50_ratio": 1.0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drop>0.5", True),
        ("drop > 0.6", False),
        ("drop>=0.6 and p50_ratio<=1", True),
        ("drop>0.7 or p50_ms>1.9", True),
        ("not drop>0.5", False),
        ("not (drop>0.7 or p50_ms>9)", True),
        ("0.5 < drop < 0.7", True),
        ("drop - 0.2 > 0.5", False),
        ("p50_ms * 2 / 4 == 1", True),
        ("drop > -1", True),
        ("drop>0.7 and p50_ms>1 or p50_ratio==1", True),
    ],
)
def test_means_what_python_means(text, expected):
    condition = Condition(text, KNOWN)
    assert condition.holds(FIGURES) is expected
    assert eval(text, {}, dict(FIGURES)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "drop", "1", "drop>", "drop>'a'", "dorp>1", "__import__('os').system('true')>1", "drop.real>1", "drop[0]>1",
        "[1]>drop", "(lambda: 1)()>0", "drop>True", "drop and p50_ms", "drop > (p50_ms > 1)", "not drop",
        "drop if 1 else 2", "drop ** 9 > 1", "drop in (1, 2)", "drop := 1", "f'{drop}'>1", "drop>1;drop<2",
        "(" * 300, "\x00", "1<2", "drop>0.5" + " " * 500 + "or p50_ms>1",
    ],
)  # fmt: skip
def test_all_else_is_wrong_use(text):
    with pytest.raises(UsageError):
        Condition(text, KNOWN)


def test_models_that_fail_are_named_with_their_figures():
    found = failing(Condition("drop>0.5", KNOWN), {"a": {"drop": 0.1}, "b": {"drop": 0.75}, "float": {}})
    assert found == ["b (drop 0.75)"]


def test_a_check_that_checks_nothing_does_not_pass():
    with pytest.raises(EdgeError, match="no model here has p50_ratio"):
        failing(Condition("p50_ratio>1.1", KNOWN), {"a": {"drop": 0.1}})


def test_a_division_by_zero_is_one_line():
    with pytest.raises(EdgeError, match="divides by zero"):
        failing(Condition("p50_ratio/drop>1", KNOWN), {"a": {"drop": 0.0, "p50_ratio": 1.0}})


def test_numbers_that_no_float_holds_are_one_line():
    with pytest.raises(EdgeError, match="overflows"):
        failing(Condition(f"p50_ms*{'9' * 400}>1", KNOWN), {"a": {"p50_ms": 2.0}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drop>0.5 or p50_ratio>1.1", True),
        ("p50_ratio>1.1 or drop>0.7", None),
        ("drop>0.7 and p50_ratio>1.1", False),
        ("drop>0.5 and p50_ratio>1.1", None),
        ("not p50_ratio>1.1", None),
        ("-p50_ratio*2>drop", None),
    ],
)
def test_a_missing_figure_leaves_open_only_what_hangs_on_it(text, expected):
    assert Condition(text, KNOWN).holds({"drop": 0.6}) is expected


def test_a_model_that_lost_fails_though_another_alone_was_timed():
    found = failing(
        Condition("drop>0.5 or p50_ratio>1.1", KNOWN),
        {"timed": {"drop": 0.1, "p50_ratio": 0.3}, "lost": {"drop": 30.0}},
    )
    assert found == ["lost (drop 30)"]
