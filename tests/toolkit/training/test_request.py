"""A training's recipe and files: from a recipe file, from options, from the checkpoint that is resumed."""

from pathlib import Path

import pytest

from device.errors import EdgeError
from toolkit.cli.train import interrupted
from toolkit.data.readers.loading import found_from_anywhere
from toolkit.training.architectures.own_files import from_anywhere
from toolkit.training.recipe import TrainingRecipe, usual_policy
from toolkit.training.request import make_request, unheeded


def request_of(path, resume=False, **options):
    return make_request(path, None, resume, False, **{"data": "faces", **options})


def test_recipe_file_and_overrides(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('arch = "fully-connected"\nepochs = 5\nlearning_rate = 1\n')
    recipe = request_of(path, epochs=7, seed=None).recipe
    assert (recipe.arch, recipe.epochs, recipe.learning_rate, recipe.seed) == ("fully-connected", 7, 1.0, 0)


@pytest.mark.parametrize("place", ["recipe", "options"])
def test_the_name_of_a_class_may_have_a_comma(tmp_path, place):
    names = ["half asleep, awake", "Happiness"]
    path = tmp_path / "recipe.toml"
    path.write_text(f"classes = {names}\n".replace("'", '"') if place == "recipe" else "")
    given = {"classes": names} if place == "options" else {}
    assert request_of(path, **given).classes == ("half asleep, awake", "happy")
    assert request_of(path, classes="sad,happiness").classes == ("sad", "happy")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 5", "no training option 'epoch'; did you mean 'epochs'"),
        ("epochs = 0", "epochs must be from 1"),
        ('epochs = "many"', "epochs must be of type int"),
        ("epochs = ", "cannot read the recipe"),
        ("epochs = [" + "[" * 20_000, "cannot read the recipe .*recursion"),
        ("epochs = " + "9" * 400, "epochs must be from 1 to 100000, not 999"),
        ("learning_rate = " + "9" * 400, "learning_rate must be of type float, not 999"),
        ("learning_rate = nan", "learning_rate must be from 1e-08"),
        ("epochs = " + "9" * 5000, "cannot read the recipe .*digits"),
        ("epochs = 0x" + "f" * 5000, "cannot read the recipe .*digits"),
        ("# much\n" * 20_000, "cannot read the recipe .*expected at most 64"),
        ('dtype_policy = "int8"', "dtype_policy must be one of"),
        ('init = ""', "init is empty; give a value, or leave it out"),
        ('teachers = ["one.keras", ""]', "teachers is empty"),
    ],
)
def test_wrong_recipes_are_explained(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(EdgeError, match=message):
        request_of(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--epochs -1", "--epochs must be from 1 to 100000, not -1"),
        ("--batch-size -5", "--batch-size must be from 0 to 65536, not -5"),
        ("--learning-rate nan", "--learning-rate must be from 1e-08 to 100.0, not nan"),
        ("--seed -1", "--seed must be from 0 to"),
        ("--channels 2", "--channels must be one of 0, 1, 3, not 2"),
        ("--dtype-policy float8", "--dtype-policy must be one of float32"),
        ("--freeze-epochs 3 --epochs 1", "--freeze-epochs 3 are more than all 1 --epochs"),
        ("--teacher-cache kept", "--teacher-cache keeps what teachers say of views; expected --teacher"),
        ("--answers kept", "--teacher-cache keeps what teachers say of views"),  # its name in 0.1.0
    ],
)
def test_a_wrong_option_is_wrong_use_and_named_as_typed(toolkit_command, tmp_path, options, words):
    done = toolkit_command("train", "--data", "/nowhere", "--out", tmp_path, *options.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[-1]


def test_a_wrong_value_in_a_recipe_file_is_no_wrong_use(toolkit_command, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text("epochs = -1\n")
    done = toolkit_command("train", "--data", "/nowhere", "--out", tmp_path, "--recipe", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "epochs must be from 1 to 100000, not -1" in done.stderr


def test_files_may_stand_in_a_recipe_and_options_replace_them(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(
        'data = "faces"\nclasses = ["Happy", "sad"]\nteachers = ["a.keras", "b.keras"]\n'
        'teacher_cache = "kept"\nviews = 2\n'
    )
    request = make_request(path, None, False, False)
    assert str(request.data) == "faces"
    assert request.classes == ("happy", "sad")
    assert [str(teacher) for teacher in request.teachers] == ["a.keras", "b.keras"]
    assert str(request.teacher_cache) == "kept"
    assert str(request.out) == "runs/compact"
    other = make_request(
        path, None, False, False, data="others", classes="sad,neutral", teachers=("c.keras",)
    )
    assert (str(other.data), other.classes, str(other.teachers[0])) == (
        "others",
        ("sad", "neutral"),
        "c.keras",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('teachers = "a.keras"', r"teachers must be a list of strings, not 'a.keras' \(in"),
        ("data = 3", "data must be a string, not 3"),
        ('teacher = ["a.keras"]', "no training option 'teacher'; did you mean 'teachers'"),
        ('augment = "light,mirror"', "augment must be some of geometry, camera, light, erasing, not mirror"),
        ('schedule = "linear"', "schedule must be one of one-cycle"),
    ],
)
def test_wrong_files_and_names_are_explained(tmp_path, text, message):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(EdgeError, match=message):
        request_of(path)


def test_two_architectures_are_wrong_use(toolkit_command):
    done = toolkit_command("train", "--data", "x", "--arch", "compact", "--arch", "small")
    assert done.returncode == 2
    assert "--arch was given 2 times (compact, small); expected one; 'toolkit compare'" in done.stderr


@pytest.mark.parametrize(
    ("flags", "device", "policy"),
    [
        ("flags : fpu avx2 avx512_bf16 amx_tile", "null", "mixed_bfloat16"),
        ("Features : fp asimd bf16", "null", "mixed_bfloat16"),
        ("flags : fpu avx2 avx512_vnni", "null", "float32"),
        ("flags : fpu avx2", "nvidia0", "mixed_bfloat16"),
        (None, "null", "float32"),
    ],
)
def test_bfloat16_is_for_machines_that_compute_in_it(tmp_path, flags, device, policy):
    (tmp_path / device).touch()
    if flags:
        (tmp_path / "cpuinfo").write_text(f"processor : 0\n{flags}\n")
    assert usual_policy(tmp_path / "cpuinfo", tmp_path) == policy


def test_a_batch_is_smaller_where_faces_are_few():
    assert [TrainingRecipe().with_batch_size(n).batch_size for n in (100, 600, 3000, 28_000)] == [
        16,
        25,
        125,
        128,
    ]
    assert TrainingRecipe(batch_size=64).with_batch_size(100).batch_size == 64


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--data gone", "no data at gone; expected a folder of faces"),
        ("--data faces --more-data gone:0.2", "no data at gone; expected a folder of faces"),
        ("--data faces --teacher gone.keras", "no model at gone.keras; name a .keras file"),
        (
            "--data faces --teacher damaged.keras",
            "damaged.keras is no Keras model: it starts with b'damaged'",
        ),
        ("--data faces --init damaged.keras", "damaged.keras is no Keras model: it starts with b'damaged'"),
        ("--data faces --arch damaged.keras", "damaged.keras is no Keras model: it starts with b'damaged'"),
        (
            "--data faces --arch gone.keras",
            "no architecture at gone.keras; expected a Keras model; check the",
        ),
        ("--data faces --arch gone.py:make", "no architecture at gone.py; expected a Python file with make("),
        ("--data faces --out held", "held holds a training already; pass --resume to go on"),
    ],
)
def test_what_is_not_there_is_told_before_tensorflow_and_the_data(
    toolkit_command, tmp_path, monkeypatch, options, message
):
    """Keras cannot be imported here, and the data holds nothing: whoever begins with them says so."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "none")
    for folder in ("faces", "held"):
        (tmp_path / folder).mkdir()
    (tmp_path / "held" / "checkpoint.npz").touch()
    (tmp_path / "damaged.keras").write_text("damaged")
    done = toolkit_command("train", *options.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1


def test_what_is_kept_of_an_interrupted_training_is_told(tmp_path):
    with pytest.raises(EdgeError, match="before an epoch was finished; nothing is kept; train again"):
        interrupted(tmp_path, 0)
    (tmp_path / "best.keras").touch()
    with pytest.raises(EdgeError, match=f"before an epoch was finished; {tmp_path} keeps what it held"):
        interrupted(tmp_path, 0)


def test_a_checkpoint_finds_the_data_again_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces").mkdir()
    state = request_of(None, more_data=("synthetic:0.2", "faces:0.1")).to_state()
    assert state["data"] == str(tmp_path / "faces")
    assert state["more_data"] == ["synthetic:0.2", f"{tmp_path / 'faces'}:0.1"]


def test_a_path_that_is_kept_leads_through_no_folder_that_it_leaves_again(tmp_path, monkeypatch):
    """A link stays as it is named; what lies beside a link is not what lies beside the folder that it leads to."""
    for folder in ("other", "far/faces", "far/deep"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("net.py", "far/net.py", "far/faces/net.py"):
        (tmp_path / file).touch()
    (tmp_path / "faces").symlink_to("far/faces")
    (tmp_path / "other" / "link").symlink_to("../far/deep")
    monkeypatch.chdir(tmp_path / "other")
    for name, kept in (("../faces", "faces"), ("link/../faces", "other/link/../faces")):
        assert found_from_anywhere(Path(name)) == tmp_path / kept
    for name, kept in (
        ("../net.py:make", "net.py:make"),
        ("../faces/net.py", "faces/net.py"),
        ("link/../net.py", "other/link/../net.py"),
    ):
        assert from_anywhere(name) == str(tmp_path / kept)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("teacher_weight = 0.9", "teacher_weight 0.9 does nothing without teachers"),
        ('augmentation = 0.0\naugment = "light"', "augment light does nothing with augmentation 0"),
        ("fine_tune_factor = 0.2", "fine_tune_factor 0.2 does nothing without freeze_epochs"),
        ('schedule = "cosine"\nwarmup_share = 0.3', "warmup_share 0.3 does nothing with the schedule cosine"),
    ],
)
def test_what_a_recipe_says_in_vain_is_told(tmp_path, text, said):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    assert unheeded(request_of(path)) == [said]
    path.write_text('teachers = ["a.keras"]\nfreeze_epochs = 1\n' + text.splitlines()[-1])
    assert unheeded(request_of(path)) == []
