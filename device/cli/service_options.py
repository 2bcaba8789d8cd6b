"""What a service is asked for: the options of its run, on the command line and in a settings file."""

import os
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device.cli.settings_lines import SETTINGS, ReadFile, set_by_file
from device.errors import UsageError
from device.plugins import SOURCES, plugin_names
from device.runtime.options import BEGUN, INPUTS, OUTPUTS, STANDARD_OUTPUT
from device.storage import SERVICE_HOME

if TYPE_CHECKING:
    from device.runtime.options import RunOptions
    from device.service.unit import Needs


def needs_of(run_options: tuple[str, ...]) -> "Needs":
    """Return what 'device run' with these options needs of its unit.

    UsageError for what the run would refuse at every start, or from the second one on.
    """
    from device.cli.run import asked_options, run
    from device.runtime.refusals import refuse_contradictions
    from device.service.unit import Needs

    context = run.make_context("device run", list(run_options))
    asked = asked_options(context)
    refuse_contradictions(asked)
    _refuse_second_start(asked)
    _refuse_written_elsewhere(asked)
    address = isinstance(asked.source, str) and "://" in asked.source
    by_plugin = isinstance(asked.source, str) and asked.source.partition(":")[0] in plugin_names(SOURCES)
    return Needs(
        # A part that another package brings may ask anything of the network.
        network=address or by_plugin or any((asked.mqtt, asked.preview, asked.metrics, asked.sink)),
        accelerator=asked.delegate is not None,
        gpio=any("gpio" in rule for rule in asked.rules),
        read=tuple(_files_read(asked)),
        credentials=dict(_credentials(context)),
    )


def _refuse_second_start(asked: "RunOptions") -> None:
    for name in BEGUN:
        kept = asked.overwrite or (name == "output" and (asked.append or asked.output == STANDARD_OUTPUT))
        if getattr(asked, name) and not kept:
            remedy = "--append to add to it, or " if name == "output" else ""
            raise UsageError(
                f"{_option(name)} {getattr(asked, name)} exists from the service's second start on, which would be "
                f"refused; pass {remedy}--overwrite to begin it anew at each start"
            )


def _refuse_written_elsewhere(asked: "RunOptions") -> None:
    for name in OUTPUTS:
        path = getattr(asked, name)
        if path and SERVICE_HOME not in Path(os.path.normpath(SERVICE_HOME / path)).parents:
            raise UsageError(
                f"{_option(name)} {path}: a service writes below {SERVICE_HOME} alone; pass a path there, or a "
                "relative one, which is there too"
            )


def _files_read(asked: "RunOptions") -> Iterator[str]:
    """Yield the files that the run reads; UsageError for one that is named from here, where the service is not."""
    for name in INPUTS:
        value = getattr(asked, name)
        if not isinstance(value, str) or "://" in value or value.startswith("/dev/") or has_magic(value):
            continue
        if SERVICE_HOME in Path(value).parents:
            continue  # the service's own
        if os.path.isabs(value):
            yield value
        elif os.path.exists(value):
            raise UsageError(
                f"{_option(name)} {value}: a service starts in {SERVICE_HOME}; pass the whole path, "
                f"{os.path.abspath(value)}"
            )


def _credentials(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the secrets that the settings file of ``context`` names by their files: option and path."""
    from device.service.credentials import FILES

    settings: ReadFile | None = context.meta.get(SETTINGS)
    if settings is None:
        return
    for written, value in settings.document.items():
        key = written.replace("_", "-")
        if not set_by_file(context, key.replace("-", "_")):
            continue
        if isinstance(value, dict) and "env" in value:
            raise UsageError(
                f"{settings.at(key)}: {key} is to be read from ${value['env']}, which the service does not have; write "
                'it into a file that root alone may read and name that: { file = "PATH" }'
            )
        if isinstance(value, dict):
            yield key, os.path.abspath(value["file"])
        elif f"--{key}" in FILES:
            yield key, os.path.abspath(value)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
