"""The Coral Edge TPU: the documented rules of its compiler, the compiler where it is installed, and what both found."""
