"""Labelled faces: what a data set is, its splits, copies and leaks, synthesis; the rooms in it read them."""
