"""A model file: read and checked, what it says of itself, loaded and run."""
