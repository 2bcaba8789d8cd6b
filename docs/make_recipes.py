"""Write docs/RECIPES.md: every key of a training recipe, from the code. ``--check`` compares instead."""

import dataclasses
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = Path(__file__).with_name("RECIPES.md")
HEAD = """# Recipes

`toolkit train --recipe FILE.toml` reads a training from a file; options on the command line replace what stands there.
Written by `make docs` from `toolkit/training/recipe.py`; do not edit.

"""


def page() -> str:
    sys.path.insert(0, str(ROOT))
    from toolkit.training.recipe import FIELDS, FINE_TUNING_DEFAULTS, PRETRAINED_DEFAULTS
    from toolkit.training.recipe_file import INPUTS

    lines = ["| key | default | what it does |", "|---|---|---|"]
    for name, field in FIELDS.items():
        default = str(field.default).lower() if field.type is bool else field.default
        if field.default_factory is not dataclasses.MISSING:
            default = "by the machine"
        lines.append(f"| `{name}` | `{default}` | {field.metadata['doc']} |")
    lines += [
        "",
        "Files may stand in a recipe too; paths are read from the folder in which the command runs.",
        "",
    ]
    lines += ["| key | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {doc} |" for name, doc in INPUTS.items()]
    lines.append("")
    for what, defaults in (("published weights", PRETRAINED_DEFAULTS), ("`init`", FINE_TUNING_DEFAULTS)):
        told = ", ".join(f"`{name}` {value}" for name, value in defaults.items())
        lines.append(f"A training that starts from {what} has other defaults: {told}.")
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    if "--check" in sys.argv:
        if OUT.read_text() != page():
            sys.exit(f"{OUT.name} is not what the code says; run {sys.argv[0]}")
        return
    OUT.write_text(page())


if __name__ == "__main__":
    main()
