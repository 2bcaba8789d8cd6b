"""The report: one self-contained page, and the same figures as JSON beside it."""

from toolkit.report.build import build_report

__all__ = ["build_report"]
