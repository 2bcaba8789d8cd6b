"""The report: one self-contained page, and the same figures as JSON and Markdown beside it; cards to publish."""
