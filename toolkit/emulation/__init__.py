"""Boards without boards: what a model and the frame loop cost on an emulated core, and the time that suggests."""
