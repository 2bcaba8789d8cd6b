"""Faces put together from two: which part is whose, what their targets are, which stay as they are."""

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.training.batches import BatchMaker
from toolkit.training.distillation.teacher_cache import answers_folder
from toolkit.training.recipe import TrainingRecipe
from toolkit.training.recombination import recombination

from .conftest import make_dataset

DATASET = make_dataset(votes=True)
ROWS = np.arange(len(DATASET))


class Unmirrored:
    """Draws that mirror no face."""

    def random(self, count):
        return np.ones(count)


def recipe(**options):
    return TrainingRecipe(label_smoothing=0.0, augmentation=0.7, **options)


def view(number, recipe, taught=None):
    return BatchMaker(DATASET, recipe, taught=taught).make(ROWS, Unmirrored(), number)


def explained(own, seen, others):
    """Return how ``seen`` came from ``own`` and one of ``others``, and which; the strips along an edge are of one."""
    for along in (lambda face: face, lambda face: face.T):
        for one, two in ((slice(0, 9), slice(39, 48)), (slice(39, 48), slice(0, 9))):
            if np.array_equal(along(seen)[one], along(own)[one]):
                same = [np.array_equal(along(seen)[two], along(other)[two]) for other in others]
                return "joined", same.index(True)
    for place, other in enumerate(others):
        apart = (own - other).ravel()
        share = ((seen - other).ravel() @ apart) / max(apart @ apart, 1)
        if np.abs(share * own + (1 - share) * other - seen).max() < 1:
            return "laid over", place
    raise AssertionError("of no two faces")


def test_some_faces_stay_some_are_laid_over_and_some_are_joined_along_a_soft_edge():
    masks = [recombination(np.random.default_rng(seed)) for seed in range(600)]
    made = [mask for mask in masks if mask is not None]
    laid = [mask for mask in made if mask.min() == mask.max()]
    joined = [mask for mask in made if mask.min() < mask.max()]
    assert 0.28 < 1 - len(made) / len(masks) < 0.42
    assert 0.23 < len(laid) / len(masks) < 0.37
    assert all(0.25 <= mask.min() <= 1 for mask in laid)
    for mask in joined:
        assert mask.shape == (48, 48)
        assert {mask.min(), mask.max()} == {0.0, 1.0}
        assert 0.25 < mask.mean() < 0.75
        down, across = np.ptp(mask, axis=0).max(), np.ptp(mask, axis=1).max()
        assert (down == 1) != (across == 1)
    assert 0.65 < np.mean([np.ptp(mask, axis=0).max() == 1 for mask in joined]) < 0.85


def test_the_last_views_show_two_faces_each_and_ask_for_their_shares_of_both():
    plain, mixed = (recipe(views=4, first_view=5, recombined_views=count) for count in (0, 2))
    for number in (5, 6):
        np.testing.assert_array_equal(view(number, mixed).images, view(number, plain).images)
    alone, both = view(7, plain), view(7, mixed)
    changed = (both.images != alone.images).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 0.85
    np.testing.assert_allclose(both.targets[~changed], alone.targets[~changed], atol=1e-3)
    np.testing.assert_allclose(both.targets.sum(axis=1), 1, atol=1e-6)
    others = alone.images[..., 0]
    found = [explained(others[row], both.images[row, ..., 0], others) for row in ROWS[changed]]
    assert {kind for kind, _ in found} == {"laid over", "joined"}
    for row, (kind, partner) in zip(ROWS[changed], found, strict=True):
        if kind == "laid over" and DATASET.labels[partner] != DATASET.labels[row]:
            share = both.targets[row, DATASET.labels[row]]
            mixed_by_hand = share * others[row] + (1 - share) * others[partner]
            assert np.abs(both.images[row, ..., 0] - mixed_by_hand).max() < 1
    np.testing.assert_array_equal(both.images, view(7, mixed).images)
    assert both.votes.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_faces_that_no_teacher_answers_about_stay_as_they_are_and_lend_nothing():
    taught = ROWS % 2 == 0
    plain, mixed = recipe(views=2), recipe(views=2, recombined_views=2)
    dark = make_dataset(votes=True)
    dark.images[~taught] = 0
    images = {
        count: BatchMaker(dark, one, taught=taught).make(ROWS, Unmirrored(), 1).images
        for count, one in ((0, plain), (2, mixed))
    }
    np.testing.assert_array_equal(images[0][~taught], images[2][~taught])
    assert (images[0][taught] != images[2][taught]).any()
    # Noise of 0 to 255 laid over noise keeps its mean; over black it would lose some.
    assert images[2][taught].mean() == pytest.approx(images[0][taught].mean(), rel=0.05)


def test_answers_to_recombined_faces_are_kept_apart(tmp_path):
    (tmp_path / "teacher").write_text("one")
    folders = {
        answers_folder(tmp_path, [tmp_path / "teacher"], DATASET, recipe(views=4, recombined_views=count))
        for count in (0, 1, 2)
    }
    assert len(folders) == 3


def test_more_recombined_views_than_views_are_refused():
    with pytest.raises(EdgeError, match="recombined_views 3 are more than the views, 2"):
        recipe(views=2, recombined_views=3)
