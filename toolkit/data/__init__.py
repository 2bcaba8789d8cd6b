"""Labelled faces: what a data set is, its splits, copies and leaks, synthesis; `readers/` reads them."""
