"""The camera's prior: neutral people are called neutral, and nothing else changes."""

import numpy as np
import pytest

from device.errors import UsageError
from device.runtime.prior import with_prior

LABELS = ("happy", "sad", "neutral")
CROPS = np.zeros((2, 48, 48), np.uint8)


class Fixed:
    """Says the same of every face."""

    def __init__(self, scores, labels=LABELS):
        self.scores, self.labels = np.array(scores, np.float32), labels

    def predict(self, crops):
        return np.tile(self.scores, (len(crops), 1))


def test_without_a_word_neutral_counts_more_and_the_others_keep_their_ratio():
    plain = np.array([0.2, 0.44, 0.36])
    scores = with_prior(Fixed(plain)).predict(CROPS)
    assert scores.shape == (2, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[0], plain * (1, 1, 1.65) / (plain * (1, 1, 1.65)).sum(), rtol=1e-5)
    assert LABELS[scores[0].argmax()] == "neutral"


@pytest.mark.parametrize(("prior", "labels"), [("none", LABELS), (None, ("cat", "dog", "cow"))])
def test_what_is_not_weighed_is_the_model_itself(prior, labels):
    model = Fixed([0.2, 0.44, 0.36], labels)
    assert with_prior(model, prior) is model


def test_own_weights_replace_the_default_and_sigmoids_keep_their_sum():
    scores = with_prior(Fixed([0.9, 0.8, 0.3]), "sad=0.5, happy=2").predict(CROPS)
    np.testing.assert_allclose(scores[0], np.array([1.8, 0.4, 0.3]) * 2.0 / 2.5, rtol=1e-5)


@pytest.mark.parametrize(
    "prior", ["netural=2", "neutral", "neutral=much", "neutral=0", "neutral=nan", "=2", ""]
)
def test_a_wrong_prior_is_named(prior):
    with pytest.raises(UsageError, match=r"`prior` holds '.*'; expected CLASS=WEIGHT, .*happy, sad, neutral"):
        with_prior(Fixed([0.2, 0.4, 0.4]), prior)


def test_a_class_weighed_twice_is_refused():
    with pytest.raises(UsageError, match="`prior` names 'sad' twice"):
        with_prior(Fixed([0.2, 0.4, 0.4]), "sad=1,happy=1,sad=2")
