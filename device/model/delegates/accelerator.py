"""What has to be known of an accelerator, and how LiteRT loads its delegate."""

from dataclasses import dataclass
from typing import Any

from device.errors import EdgeError
from device.text import one_line


@dataclass(frozen=True)
class Accelerator:
    """``library``: name of the delegate's shared library, as the dynamic loader finds it;
    ``custom_operator``: what stands in its compiled files for the part that it runs.
    """

    name: str
    title: str
    library: str
    custom_operator: str
    remedy_missing: str
    remedy_failed: str


def load_delegate(accelerator: Accelerator, litert: Any) -> Any:
    """Return LiteRT's delegate of ``accelerator``; ``litert`` is the module with ``load_delegate``.

    Raises EdgeError where the library is missing, is no delegate, or finds no device. The library runs in this
    process: call it only in one that may die.
    """
    library = accelerator.library
    try:
        return litert.load_delegate(library)
    except OSError as error:
        why = "is not installed" if "No such file" in str(error) else f"cannot be loaded ({error})"
        raise EdgeError(f"{library} {why}; {accelerator.remedy_missing}") from error
    except AttributeError as error:
        raise EdgeError(
            f"{library} is no delegate of LiteRT ({error}); {accelerator.remedy_missing}"
        ) from error
    except ValueError as error:
        raise EdgeError(f"{one_line(error)}; {accelerator.remedy_failed}") from error
