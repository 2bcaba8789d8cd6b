"""What is compared: architectures, and ways to train them."""

import pytest

from device.errors import EdgeError, UsageError
from toolkit.comparison.variants import make_variants


def test_every_architecture_meets_every_value():
    made = make_variants(["small,compact"], ["optimizer=sgd,adam", "augmentation=0,1"], None)
    assert len(made) == 8
    assert made[0].name == "small optimizer=sgd augmentation=0.0"
    assert made[-1].options == {"arch": "compact", "optimizer": "adam", "augmentation": 1.0}
    assert make_variants([], ["augment=geometry+light"], None)[0].options["augment"] == "geometry,light"
    assert [one.name for one in make_variants(["nets/my_net.py:build"], [], None)] == ["my_net"]


def test_a_file_names_variants_and_what_is_common(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text('epochs = 5\n[plain]\naugmentation = 0\n["three channels"]\nchannels = 3\n')
    made = make_variants([], [], path)
    assert [one.name for one in made] == ["plain", "three channels"]
    assert made[0].options == {"epochs": 5, "augmentation": 0.0}


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("optimiser=adam", "no training option 'optimiser'; did you mean 'optimizer'"),
        ("optimizer", "`vary` is 'optimizer'; expected KEY=VALUE,VALUE"),
        ("optimizer=lion", "optimizer must be one of sgd, adam, adamw, not lion"),
        ("epochs=many", "epochs is 'many'; expected int"),
        ("hold_out=perhaps", "hold_out is 'perhaps'; expected bool"),
        ("patience=1,1", "two variants are called 'compact patience=1'"),
        ("seed=1,2", "'compact seed=1' names a seed, and `seeds` gives every training its own"),
    ],
)
def test_a_wrong_variant_is_wrong_use(vary, message):
    with pytest.raises(UsageError, match=message):
        make_variants([], [vary], None)


def test_variants_of_one_folder_are_refused(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text('["low rate"]\nepochs = 5\n["low/rate"]\nepochs = 6\n')
    with pytest.raises(
        UsageError, match="'low rate' and 'low/rate' would share the folder low_rate; rename one"
    ):
        make_variants([], [], path)
    path.write_text('["leicht für"]\nepochs = 5\n["leicht fär"]\nepochs = 6\n')
    assert len({one.folder for one in make_variants([], [], path)}) == 2


def test_a_file_without_variants_is_refused(tmp_path):
    path = tmp_path / "variants.toml"
    path.write_text("epochs = 5\n")
    with pytest.raises(EdgeError, match="has no variant"):
        make_variants([], [], path)
