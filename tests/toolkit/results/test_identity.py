"""What models are called beside each other."""

import pytest

from toolkit.results.identity import distinct_names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/best.keras"], ["best.keras"]),
        (["runs/one/best.keras", "runs/two/best.keras", "m.tflite"],
         ["one/best.keras", "two/best.keras", "m.tflite"]),
        (["x/one/best.keras", "y/one/best.keras", "y/two/best.keras"],
         ["x/one/best.keras", "y/one/best.keras", "two/best.keras"]),
        (["./m.keras", "m.keras"], ["m.keras", "m.keras"]),
    ],
)  # fmt: skip
def test_files_of_one_name_are_called_by_their_folders_too(paths, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert distinct_names(paths) == dict(zip(paths, names, strict=True))
