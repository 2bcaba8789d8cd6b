"""The documents say what the programs do."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "script", ["make_architecture.py", "make_reference.py", "make_recipes.py", "make_figures.py"]
)
def test_what_is_generated_is_what_help_and_results_say(script):
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / script, "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_the_digests_are_those_of_the_models_and_of_what_was_measured():
    listed = dict(
        reversed(line.split()) for line in (ROOT / "models" / "SHA256SUMS").read_text().splitlines()
    )
    shipped = [path for path in (ROOT / "models").iterdir() if path.suffix in (".keras", ".tflite")]
    assert listed == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in shipped}
    for results in (ROOT / "models").glob("*.json"):
        for entry in json.loads(results.read_text())["models"]:
            model = entry["model"]
            if "float32" not in model["name"] and "ferplus" not in results.name:  # those do not ship
                assert model["sha256"] in listed.values(), f"{results.name}: {model['name']}"


def test_every_command_and_make_target_of_the_readme_exists():
    readme = (ROOT / "README.md").read_text()
    reference = (ROOT / "docs" / "REFERENCE.md").read_text()
    commands = re.findall(
        r"^(toolkit(?: data)? [a-z]+|device(?: service)? [a-z]+)", readme, flags=re.MULTILINE
    )
    assert len(commands) >= 8
    for command in commands:
        assert f"### {command}\n" in reference, command
    for option in re.findall(
        r"(?<=\s)--[a-z][a-z-]+", " ".join(re.findall(r"```.*?```", readme, flags=re.DOTALL))
    ):
        assert option in reference, option
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for target in re.findall(r"make ([a-z][a-z0-9-]+)", readme):
        assert target in targets, target


def test_the_readme_starts_from_shipped_models_of_the_architecture_it_trains():
    starts = re.findall(
        r"^toolkit train (.*--init models/\S+)", (ROOT / "README.md").read_text(), flags=re.MULTILINE
    )
    assert starts
    for start in starts:
        with zipfile.ZipFile(ROOT / start.rpartition("--init ")[2]) as model:
            trained = json.loads(model.read("fer_edge.json"))["training"]["recipe"]["arch"]
        named = re.search(r"--arch (\S+)", start)
        assert trained == (named[1] if named else "compact"), start


def test_tests_that_the_documents_name_are_there():
    named = {
        (document.name, path)
        for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
        for path in re.findall(r"tests/[\w/]+(?:\.py)?", document.read_text())
    }
    assert len(named) > 20
    assert {(name, path) for name, path in named if not (ROOT / path).exists()} == set()


def test_links_between_the_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "models").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
