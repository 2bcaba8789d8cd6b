"""Write docs/REFERENCE.md: every command and option of both command lines, from their own --help.

python docs/make_reference.py            writes the file
python docs/make_reference.py --check    exits 1 if the file is not what would be written
"""

import sys
from pathlib import Path

import click

from device.cli import device
from toolkit.cli import toolkit

OUT = Path(__file__).with_name("REFERENCE.md")
HEAD = """# Command reference

Written by `make docs` from each command's `--help`; do not edit. Every command exits 0 when done, 1 when it failed
(one line on standard error says why and what to do) and 2 for wrong use. `FER_EDGE_DEBUG=1` adds the traceback.
"""


def reference() -> str:
    """Return the whole document."""
    parts = [HEAD]
    for group in (toolkit, device):
        parts.append(f"## {group.name}\n")
        parts += list(sections(group, click.Context(group, info_name=group.name, terminal_width=100)))
    return "\n".join(parts)


def sections(group: click.Group, context: click.Context):
    """Yield a section a command, sub-commands in order."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name, terminal_width=100)
        if isinstance(command, click.Group):
            yield from sections(command, inner)
        else:
            yield f"### {inner.command_path}\n\n```\n{command.get_help(inner)}\n```\n"


if __name__ == "__main__":
    text = reference()
    if "--check" in sys.argv:
        sys.exit(
            0 if OUT.exists() and OUT.read_text() == text else "docs/REFERENCE.md is stale; run make docs"
        )
    OUT.write_text(text)
