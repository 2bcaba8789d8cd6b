"""Which faces set the ranges: of every class, the same each time, with exact black and white."""

from dataclasses import replace

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.dataset import Dataset
from toolkit.data.learnt_faces import NOT_KNOWN
from toolkit.quantization.representative import MEASURED_AT_MOST, choose_faces, choose_representative


def faces(labels, splits=None, low=10, high=250, synthetic=False):
    count = len(labels)
    images = np.random.default_rng(0).integers(low, high, (count, 48, 48), dtype=np.uint8)
    splits = np.array(splits if splits is not None else ["train"] * count)
    names = np.array([str(row) for row in range(count)])
    return Dataset(
        images,
        np.array(labels),
        ("happy", "sad", "fear"),
        splits,
        names,
        source="folder",
        synthetic=synthetic,
    )


def test_each_class_gives_its_share_and_the_rare_ones_all_they_have():
    data = faces([0] * 100 + [1] * 100 + [2] * 5)
    chosen = choose_representative(data, 65)
    assert chosen.faces.counts() == {"happy": 30, "sad": 30, "fear": 5}
    assert len(set(chosen.rows)) == 65


def test_two_hundred_faces_are_chosen_unless_told_otherwise():
    chosen = choose_representative(faces([0, 1, 2] * 80))
    assert len(chosen.faces) == 200
    assert chosen.to_json()["count"] == 200


def test_the_seed_decides_and_the_digest_tells():
    data = faces([0, 1, 2] * 50)
    first, again, other = (choose_representative(data, 30, seed) for seed in (0, 0, 1))
    assert first.to_json() == again.to_json()
    assert first.to_json()["sha256"] != other.to_json()["sha256"]


@pytest.mark.parametrize(("labels", "message"), [([], "no faces"), ([1, 1, 1], "only the class 'sad'")])
def test_an_empty_or_one_class_set_is_refused(labels, message):
    with pytest.raises(EdgeError, match=message):
        choose_representative(faces(labels), 10)


def test_held_out_faces_measure_and_training_faces_calibrate():
    data = faces([0, 1, 2] * 20, ["train"] * 30 + ["test"] * 30)
    chosen = choose_faces(data, ("happy", "sad", "fear"), 12, 0)
    assert set(chosen.representative.faces.splits) == {"train"}
    assert set(chosen.measuring.splits) == {"test"}
    assert len(chosen.measuring) == 30


def test_of_one_split_half_calibrates_and_the_rest_measures():
    data = faces([0, 1, 2] * 20)
    chosen = choose_faces(data, ("happy", "sad", "fear"), 500, 0)
    assert len(chosen.representative.faces) == len(chosen.measuring) == 30
    assert not set(chosen.representative.faces.names) & set(chosen.measuring.names)


def test_the_faces_that_measure_keep_the_shares_of_the_classes():
    labels = [0] * 4740 + [1] * 540
    data = faces([*labels, 0, 1], ["test"] * len(labels) + ["train"] * 2)
    chosen = choose_faces(data, ("happy", "sad"), 2, 0)
    assert len(chosen.measuring) == MEASURED_AT_MOST
    assert chosen.measuring.counts()["sad"] == pytest.approx(4000 * 540 / 5280, abs=40)
    assert chosen.measuring.names.astype(int).tolist() == sorted(chosen.measuring.names.astype(int))
    again, other = (choose_faces(data, ("happy", "sad"), 2, seed).measuring for seed in (0, 1))
    assert again.fingerprint() == chosen.measuring.fingerprint() != other.fingerprint()


def test_of_one_split_the_faces_that_the_network_has_not_learnt_measure_where_they_are_many():
    data, names = faces([0, 1, 2] * 100), ("happy", "sad", "fear")
    some, most = data.select(np.arange(198)), data.select(np.arange(204))
    chosen = choose_faces(data, names, 30, 0, some)
    assert chosen.measuring.names.tolist() == [str(row) for row in range(198, 300)]
    assert set(chosen.representative.faces.names) < set(some.names)
    assert chosen.note == ""
    few = choose_faces(data, names, 30, 0, most)
    assert len(few.measuring) == 150
    known = sum(int(name) < 204 for name in few.measuring.names)
    assert few.note.startswith(f"the model was trained on {known} of these 150 faces")
    assert choose_faces(data, names, 30, 0).note == NOT_KNOWN


def test_of_one_split_a_rare_class_is_not_used_up_by_the_representative_faces():
    chosen = choose_faces(faces([0] * 180 + [1] * 20), ("happy", "sad"), 40, 0)
    assert chosen.representative.faces.counts() == {"happy": 30, "sad": 10}
    assert chosen.measuring.counts() == {"happy": 90, "sad": 10}
    assert not set(chosen.representative.faces.names) & set(chosen.measuring.names)


def test_the_classes_follow_the_networks_order():
    chosen = choose_faces(faces([0, 1, 2] * 20), ("sad", "happy"), 20, 0)
    assert chosen.labelled
    assert chosen.measuring.classes == ("sad", "happy")


def test_faces_of_other_classes_are_left_out_with_a_word_and_classes_that_nothing_measures_are_named():
    of_two = choose_faces(faces([0, 1, 2, 2] * 20), ("sad", "happy"), 20, 0)
    assert of_two.remarks() == ["40 faces of classes that the network does not know left out: fear (40)"]
    unmeasured = faces([0, 1, 2] * 10 + [0, 1] * 5, ["train"] * 30 + ["test"] * 10)
    chosen = choose_faces(unmeasured, ("happy", "sad", "fear"), 20, 0)
    assert chosen.remarks() == ["no face of fear is among those that measure"]
    assert choose_faces(faces([0, 1, 2] * 20), ("sad", "happy", "fear"), 20, 0).remarks() == []


def test_a_network_may_know_a_class_that_the_data_lacks():
    chosen = choose_faces(faces([0, 1, 2] * 20), ("sad", "contempt", "happy", "fear"), 20, 0)
    assert chosen.labelled
    assert chosen.measuring.classes == ("sad", "contempt", "happy", "fear")
    assert chosen.measuring.counts() == {"sad": 10, "contempt": 0, "happy": 10, "fear": 10}
    assert chosen.remarks() == ["no face of contempt is among those that measure"]


def renamed(data, split, old, new):
    """Return ``data`` as if the folder of a class were called otherwise in one split."""
    labels = np.where((data.splits == split) & (data.labels == data.classes.index(old)), 3, data.labels)
    return replace(data, labels=labels, classes=(*data.classes, new))


def test_a_class_that_one_split_misspells_is_refused():
    data = faces([0, 1, 2] * 20, ["train"] * 30 + ["validation"] * 30)
    with pytest.raises(
        EdgeError, match=r"the class 'sda' in its split 'validation' alone, .* rename it to sad"
    ):
        choose_faces(renamed(data, "validation", "sad", "sda"), ("happy", "sad", "fear"), 20, 0)
    other = choose_faces(renamed(data, "validation", "sad", "gloomy"), ("happy", "sad", "fear"), 20, 0)
    assert len(other.remarks()) == 2


def test_labels_that_the_data_does_not_have_are_refused_but_synthetic_faces_still_calibrate():
    with pytest.raises(
        EdgeError, match=r"folder has no face of cat, dog, but happy, sad, fear; the network knows cat"
    ):
        choose_faces(faces([0, 1, 2] * 20), ("cat", "dog"), 20, 0)
    with pytest.raises(EdgeError, match=r"folder has no face of glee, but happy, sad, fear"):
        choose_faces(faces([0, 1, 2] * 20), ("sad", "fear", "glee"), 20, 0)
    assert not choose_faces(faces([0, 1, 2] * 20, synthetic=True), ("cat", "dog"), 20, 0).labelled
