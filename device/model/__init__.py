"""A model file: read, checked, run; and what the program does with one, an expression model."""
