"""The program ``toolkit``: the installed script, and ``python -m toolkit``."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends it in one line, as later."""
    try:
        from toolkit.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.exit("error: interrupted")


if __name__ == "__main__":
    main()
