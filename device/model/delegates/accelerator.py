"""What has to be known of an accelerator, and how LiteRT loads its delegate."""

from dataclasses import dataclass
from typing import Any

from device.errors import EdgeError
from device.text import one_line


@dataclass(frozen=True)
class Accelerator:
    """``libraries``: names of the delegate's shared library, tried in turn as the dynamic loader finds them;
    ``custom_operator``: what stands in its compiled files for the part that it runs.
    """

    name: str
    title: str
    libraries: tuple[str, ...]
    custom_operator: str
    remedy_missing: str
    remedy_failed: str


def load_delegate(accelerator: Accelerator, litert: Any) -> Any:
    """Return LiteRT's delegate of ``accelerator``; ``litert`` is the module with ``load_delegate``.

    Raises EdgeError where the library is missing, is no delegate, or finds no device. The library runs in this
    process: call it only in one that may die.
    """
    for library in accelerator.libraries:
        try:
            return litert.load_delegate(library)
        except OSError as error:
            if "No such file" in str(error):
                continue
            raise EdgeError(f"{library} cannot be loaded ({error}); {accelerator.remedy_missing}") from error
        except AttributeError as error:
            raise EdgeError(
                f"{library} is no delegate of LiteRT ({error}); {accelerator.remedy_missing}"
            ) from error
        except ValueError as error:
            raise EdgeError(f"{one_line(error)}; {accelerator.remedy_failed}") from error
    raise EdgeError(f"{accelerator.libraries[0]} is not installed; {accelerator.remedy_missing}")
