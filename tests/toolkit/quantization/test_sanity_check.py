"""Agreement of one output proves nothing: probabilities are compared."""

import numpy as np

from toolkit.quantization.sanity_check import why_no_agreement


def answers(second):
    return np.stack([1 - second, second], axis=1)


def test_what_is_right_passes_even_where_one_class_is_named():
    rng = np.random.default_rng(0)
    second = rng.uniform(0.6, 0.9, 200)
    assert why_no_agreement(answers(second), answers(second + rng.normal(0, 0.01, 200))) is None


def test_a_constant_output_fails_though_all_faces_are_named_alike():
    second = np.random.default_rng(0).uniform(0.52, 0.9, 200)
    assert "probabilities differ" in str(why_no_agreement(answers(second), answers(np.full(200, 0.996))))


def test_agreement_by_chance_fails():
    rng = np.random.default_rng(0)
    exact, other = (rng.dirichlet(np.ones(7) * 0.2, 300) for _ in range(2))
    assert "no better than chance" in str(why_no_agreement(exact, other))
