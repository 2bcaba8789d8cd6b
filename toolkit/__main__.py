"""The program ``toolkit``: the installed script, and ``python -m toolkit``."""

from device.program import run_program


def main() -> None:
    """Entry point of the installed script."""
    run_program("toolkit.cli")


if __name__ == "__main__":
    main()
