"""What is given as "", as an unset "$VARIABLE" gives it, is taken for nothing else: by no option of either program."""

from collections.abc import Iterator

import click
import pytest

import device.cli
import toolkit.cli
from device.cli.run import run


def taking_values(
    command: click.Command, called: str
) -> Iterator[tuple[str, click.Command, click.Parameter, str]]:
    """Yield each parameter of ``command`` and those below it that takes a value, with each of its spellings."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from taking_values(inner, f"{called} {name}")
        return
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.is_flag:
            yield from ((called, command, parameter, spelling) for spelling in parameter.opts)
        elif isinstance(parameter, click.Argument) and parameter.type is not click.UNPROCESSED:
            yield called, command, parameter, ""


FOUND = [*taking_values(device.cli.device, "device"), *taking_values(toolkit.cli.toolkit, "toolkit")]


@pytest.mark.parametrize(
    ("called", "command", "parameter", "option"), FOUND, ids=[f"{one[0]} {one[3]}" for one in FOUND]
)
def test_an_empty_value_is_wrong_use(called, command, parameter, option):
    with pytest.raises(click.UsageError, match=r" is empty; expected .+; give a value") as raised:
        command.make_context(called, [option, ""] if option else [""])
    assert not option or raised.value.message.startswith(max(parameter.opts, key=len))


@pytest.mark.parametrize("name", [one.envvar for one in run.params if one.envvar])
def test_an_empty_variable_is_wrong_use_unless_the_option_is_given(name, monkeypatch):
    monkeypatch.setenv(name, "")
    with pytest.raises(click.UsageError, match=rf"\${name} is empty; expected .+; give a value, or unset it"):
        run.make_context("device run", [])
    (option,) = [one.opts[0] for one in run.params if one.envvar == name]
    given = run.make_context("device run", [option, "demo"]).params
    assert given[option.removeprefix("--")] == "demo"
