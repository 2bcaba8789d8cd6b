"""The report: one self-contained page, and the same figures as JSON and Markdown beside it."""

from toolkit.reporting.build import (
    Report,
    fail_if,
    make_report,
    output_paths,
    read_condition,
    write_report,
)

__all__ = [
    "Report",
    "fail_if",
    "make_report",
    "output_paths",
    "read_condition",
    "write_report",
]
