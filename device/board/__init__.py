"""The board that a model lives on: its state, its service, its installed models."""
