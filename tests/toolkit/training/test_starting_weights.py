"""Which logits of a trained model a training goes on with, by the names in its file."""

import pytest

pytest.importorskip("keras", reason="training needs the [toolkit] extra")

from device.errors import EdgeError
from toolkit.models.keras_file import load_keras_model, save_model
from toolkit.training.starting_weights import logit_columns

pytestmark = pytest.mark.toolkit


def test_a_class_that_the_first_weights_do_not_know_is_said(trained, caplog):
    assert logit_columns(trained.model, ("sad", "happy")) == [1, 0]
    assert not caplog.records
    assert logit_columns(trained.model, ("happy", "sda")) == []
    assert (
        "knows no class 'sda'; did you mean sad? it knows happy, sad: its last layer begins anew"
        in caplog.text
    )


def test_first_weights_without_names_begin_their_last_layer_anew_which_is_said(trained, tmp_path, caplog):
    load_keras_model(trained.model).save(tmp_path / "bare.keras")
    assert logit_columns(tmp_path / "bare.keras", ("happy", "sad")) == []
    (said,) = caplog.messages
    assert "names no classes: its last layer begins anew; to keep that, save the model with the names" in said
    save_model(load_keras_model(trained.model), tmp_path / "named.keras", {"labels": ["happy", "sad"]})
    assert logit_columns(tmp_path / "named.keras", ("sad", "happy")) == [1, 0]
    assert len(caplog.messages) == 1


def test_labels_that_are_no_names_are_told(trained, tmp_path):
    save_model(load_keras_model(trained.model), tmp_path / "numbers.keras", {"labels": [0, 1]})
    with pytest.raises(EdgeError, match="no list of names; save the model again"):
        logit_columns(tmp_path / "numbers.keras", ("happy", "sad"))
