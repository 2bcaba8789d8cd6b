"""The one error that reaches a user, and the exit codes of both command lines."""

EXIT_DONE, EXIT_FAILED, EXIT_WRONG_USE = 0, 1, 2


class EdgeError(Exception):
    """A failure with one line for the user: what is wrong, expected, received, and what to do next.

    Raised by every public function of ``device`` and ``toolkit`` for anything the user can mend;
    the command line prints it on standard error and exits 1.
    """

    @property
    def parts(self) -> tuple[str, str]:
        """What is wrong, and what to do next, '' where the line does not say; the first semicolon parts them."""
        fault, _, remedy = str(self).partition("; ")
        return fault, remedy


class UsageError(EdgeError):
    """Options or arguments that contradict each other; the command line exits 2."""


def refuse_without(main: str, value: str, **options: object) -> None:
    """Raise UsageError for the first of ``options`` that is true, given: without ``main`` it does nothing.

    ``value``: what ``main`` takes, such as FILE.

    >>> refuse_without("out", "FILE", overwrite=False)
    """
    for name, given in options.items():
        if given:
            raise UsageError(f"`{name}` belongs to `{main}`; add `{main}={value}` or leave it out")
