"""Figures as SVG for the report and as pictures for a training."""
