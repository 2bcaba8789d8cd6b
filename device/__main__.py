"""The program ``device``: the installed script, and ``python -m device``."""

from device.program import run_program


def main() -> None:
    """Entry point of the installed script."""
    run_program("device.cli")


if __name__ == "__main__":
    main()
