"""The one error that reaches a user, and the exit codes of both command lines."""

EXIT_DONE, EXIT_FAILED, EXIT_WRONG_USE = 0, 1, 2


class EdgeError(Exception):
    """A failure with one line for the user: what is wrong, expected, received, and what to do next.

    Raised by every public function of ``device`` and ``toolkit`` for anything the user can mend;
    the command line prints it on standard error and exits 1.
    """


class UsageError(EdgeError):
    """Options or arguments that contradict each other; the command line exits 2."""
