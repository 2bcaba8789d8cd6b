"""Readers: what commands ask for labelled faces, the pictures that they are of, and the faces of photographs."""
