"""What of a service's options is secret, and how systemd hands it over: never on a command line, in no file for all."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from device.errors import UsageError
from device.text import has_password

# What ``device run`` reads from its environment; the file that holds it is the owner's alone.
VARIABLES = {"--source": "FER_EDGE_SOURCE", "--mqtt": "FER_EDGE_MQTT"}
# Files that systemd reads as root and shows the service alone, which is a user of its own.
FILES = ("--mqtt-password-file", "--mqtt-ca", "--mqtt-cert", "--mqtt-key", "--config")


@dataclass
class Handover:
    """``arguments`` fit for a command line, ``environment`` that replaces the rest, ``credentials``: file by name."""

    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=dict)

    @property
    def environment_text(self) -> str:
        """The content of an ``EnvironmentFile=``, empty where nothing is secret."""
        return "".join(f"{name}={_quoted(value)}\n" for name, value in self.environment.items())

    @property
    def credential_lines(self) -> str:
        credentials = {name: path.replace("%", "%%") for name, path in self.credentials.items()}
        return "".join(f"LoadCredential={name}:{path}\n" for name, path in credentials.items())


def hand_over(arguments: Sequence[str], credentials: Mapping[str, str] | None = None) -> Handover:
    """Return how the options of ``device run`` reach it, with ``credentials`` of its settings file, by option.

    UsageError for one that no unit can hold.
    """
    found, rest = Handover(credentials=dict(credentials or {})), list(arguments)
    while rest:
        option, separator, value = rest.pop(0).partition("=")
        if not separator and option in (*VARIABLES, *FILES) and rest:
            value = rest.pop(0)
        if any(not character.isprintable() for character in option + value):
            raise UsageError(
                f"{option}: control characters and bytes that are no UTF-8 have no place in a unit"
            )
        if option in VARIABLES and has_password(value):
            found.environment[VARIABLES[option]] = value
        elif option in FILES:
            name = option.removeprefix("--")
            found.credentials[name] = os.path.abspath(value)
            found.arguments += [option, f"${{CREDENTIALS_DIRECTORY}}/{name}"]
        else:
            found.arguments.append(option + separator + value if separator else option)
            found.arguments += [value] if value and not separator else []
    return found


def handed_over(name: str) -> str | None:
    """Return the path at which systemd shows this process the credential ``name``, or None where it shows none."""
    path = os.path.join(os.environ.get("CREDENTIALS_DIRECTORY", ""), name)
    return path if os.path.isabs(path) and os.path.isfile(path) else None


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'
