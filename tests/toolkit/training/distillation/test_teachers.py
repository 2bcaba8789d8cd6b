"""What teachers are asked, and where their answers are kept."""

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.training.batches import BatchMaker
from toolkit.training.distillation.teacher_cache import TeacherCache, answers_folder
from toolkit.training.distillation.teachers import TeacherPanel, soften
from toolkit.training.recipe import TrainingRecipe

from ..conftest import make_dataset


def test_teachers_are_asked_once_for_each_view_and_its_mirror_image(tmp_path):
    dataset = make_dataset()
    maker = BatchMaker(dataset, TrainingRecipe(batch_size=10, views=2))
    asked = []

    def left(images):
        asked.append(len(images))
        share = images[:, :, :24].mean(axis=(1, 2)) / 255
        return np.concatenate([share, 1 - share], axis=1)

    teachers = [left, lambda images: left(images) ** 2]
    for epochs in (range(3), range(1, 5)):  # a second training of the same finds the answers again
        panel = TeacherPanel(teachers, TeacherCache(len(dataset), 2, tmp_path / "answers"))
        for epoch in epochs:
            for batch in maker.epoch(epoch):
                images = np.stack([batch.images, batch.images[:, :, ::-1]])
                shares = images[:, :, :, :24].mean(axis=(2, 3)) / 255
                both = np.concatenate([shares, 1 - shares], axis=2)
                expected = (both + both**2).mean(axis=0) / 2
                np.testing.assert_allclose(panel.probabilities(batch), expected, rtol=1e-5)
        panel.cache.save()
    assert sum(asked) == 2 * 2 * 2 * len(dataset)  # two teachers, two views, mirrored too


def test_a_damaged_file_of_answers_is_one_line(tmp_path):
    rows = np.arange(3)
    book = TeacherCache(3, 2, tmp_path)
    book.write(0, rows, np.full((3, 2), 0.5, np.float32))
    book.save()
    (tmp_path / "view_0001.npy").write_bytes((tmp_path / "view_0000.npy").read_bytes()[:130])
    again = TeacherCache(3, 2, tmp_path)
    np.testing.assert_array_equal(again.read(0, rows), np.full((3, 2), 0.5))
    with pytest.raises(EdgeError, match=r"view_0001.npy holds no answers .* remove it"):
        again.read(1, rows)
    with pytest.raises(EdgeError, match=r"answers of shape \(3, 2\); expected \(4, 2\)"):
        TeacherCache(4, 2, tmp_path).read(0, rows)


@pytest.mark.parametrize(
    "answers",
    [np.full((3, 2), 7, np.int8), np.full((3, 2), b"0.5"), np.full((3, 2), np.inf, np.float32),
     np.full((3, 2), -0.5, np.float32)],
)  # fmt: skip
def test_answers_that_are_no_shares_are_refused(tmp_path, answers):
    np.save(tmp_path / "view_0000.npy", answers)
    with pytest.raises(EdgeError, match="they are no shares from 0 to 1"):
        TeacherCache(3, 2, tmp_path).read(0, np.arange(3))


def test_only_the_faces_that_an_epoch_left_over_are_asked_in_the_next():
    dataset = make_dataset(64)
    maker = BatchMaker(dataset, TrainingRecipe(batch_size=10, views=1))
    asked = []

    def bright(images):
        asked.append(len(images))
        share = images.mean(axis=(1, 2)) / 255
        return np.concatenate([share, 1 - share], axis=1)

    panel = TeacherPanel([bright], TeacherCache(len(dataset), 2))
    for epoch in range(2):
        for batch in maker.epoch(epoch):
            share = batch.images.mean(axis=(1, 2)) / 255
            np.testing.assert_allclose(
                panel.probabilities(batch), np.concatenate([share, 1 - share], axis=1), rtol=1e-5
            )
    assert asked[:12] == [10] * 12  # six batches of ten, mirrored too; four faces are left
    assert 2 <= sum(asked[12:]) <= 2 * 8
    assert set(asked[12:]) <= {1, 2, 4}


def test_answers_to_other_questions_are_kept_apart(tmp_path):
    dataset, recipe = make_dataset(), TrainingRecipe(views=2)
    teachers = [tmp_path / "one.keras", tmp_path / "two.keras"]
    for path in teachers:
        path.write_text(path.name)
    flat = Dataset(**{**vars(dataset), "images": dataset.images // 2})
    others = [
        answers_folder(tmp_path, teachers[:1], dataset, recipe),
        answers_folder(tmp_path, teachers, flat, recipe),
        answers_folder(tmp_path, teachers, dataset, TrainingRecipe(views=2, seed=1)),
        answers_folder(tmp_path, teachers, dataset, TrainingRecipe(views=2, augmentation=0.5)),
    ]
    folder = answers_folder(tmp_path, teachers, dataset, recipe)
    assert len({folder, *others}) == 5
    more = TrainingRecipe(views=9, arch="wide", teacher_weight=0.5)  # the first two views are the same
    assert answers_folder(tmp_path, teachers[::-1], dataset, more) == folder


def test_softening_flattens_and_keeps_the_order():
    shares = soften(np.array([[0.9, 0.09, 0.01]]), temperature=2.0)
    roots = np.sqrt([0.9, 0.09, 0.01])
    np.testing.assert_allclose(shares[0], roots / roots.sum(), rtol=1e-5)
