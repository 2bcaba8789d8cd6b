"""Whether a file is a classifier with a graph that this program understands, before an interpreter sees it."""
