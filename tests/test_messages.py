"""What the library says names its parameters in backquotes; only the command line spells options."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import device.cli
import toolkit.cli
from device.cli.messages import PARAMETER, as_options

ROOT = Path(__file__).parents[1]
OPTION = re.compile(r"(?<![\w-])--[a-z…]")
QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|`[^`]* [^`]*`")  # a whole command to type
# Files whose dashes are no message.
NO_MESSAGE = {
    "device/service/systemd.py": "starts systemctl",
    "device/service/unit.py": "the unit",
    "device/service/credentials.py": "the unit",
    "device/runtime/session.py": "a value of ended_by in the JSON of a run",
    "device/runtime/stopping.py": "a value of ended_by in the JSON of a run",
    "device/sinks/preview.py": "the parts of an HTTP answer",
    "toolkit/charts/svg.py": "names of colours in CSS",
    "toolkit/comparison/measure.py": "starts toolkit's commands",
    "toolkit/comparison/runs.py": "starts toolkit train",
    "toolkit/deploy/host_scripts.py": "commands on a board",
    "toolkit/deploy/release.py": "commands on a board",
    "toolkit/deploy/service.py": "reads a unit",
    "toolkit/emulation/estimate.py": "the command in a results file",
    "toolkit/emulation/tree.py": "starts mmdebstrap and pip",
    "toolkit/quantization/litert_baseline.py": "starts litert",
    "toolkit/training/architectures/weights_package.py": "starts npm",
}


def library_files() -> list[Path]:
    """Return every file of both packages outside the rooms ``cli``."""
    found = [path for package in ("device", "toolkit") for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in found if "cli" not in path.parts]


def texts(tree: ast.Module) -> Iterator[str]:
    """Yield every string of a file but its docstrings; what an f-string computes is a …"""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    passed = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented)
              and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            yield node.value


def options_of(command: click.Command) -> Iterator[str]:
    """Yield the options of a command and of those below it, without dashes in front."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from options_of(inner)
    for parameter in command.params:
        yield from (spelling.removeprefix("--") for spelling in parameter.opts + parameter.secondary_opts)


@pytest.fixture(scope="module")
def options() -> set[str]:
    return {*options_of(device.cli.device), *options_of(toolkit.cli.toolkit)}


@pytest.mark.parametrize("path", library_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_spells_no_option_and_names_parameters_that_are_there(path, options):
    said = list(texts(ast.parse(path.read_text())))
    spelled = [text for text in said if OPTION.search(QUOTED.sub("", text))]
    if str(path.relative_to(ROOT)) not in NO_MESSAGE:
        assert not spelled
    named = {found[1].replace("_", "-") for text in said for found in PARAMETER.finditer(text)}
    if path.name not in ("recipe.py", "request.py"):  # they also describe values of a recipe's keys
        assert named <= options


def test_the_files_that_are_left_out_need_it():
    for name in NO_MESSAGE:
        assert any(OPTION.search(text) for text in texts(ast.parse((ROOT / name).read_text()))), name


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("pass `min_face`", "pass --min-face"),
        ("`labels` a.txt names no label", "--labels a.txt names no label"),
        ("try `recipe=float16`, or `max_drop=0.5`", "try --recipe float16, or --max-drop 0.5"),
        ("what `toolkit quantize` wrote, `Upper`", "what `toolkit quantize` wrote, `Upper`"),
    ],
)
def test_the_command_line_says_options(said, shown):
    assert as_options(said) == shown
