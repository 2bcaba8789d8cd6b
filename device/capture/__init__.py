"""Frames: where they come from and how a live source is kept alive."""
