"""Readers: labelled faces from folders, lists, tables and shards, one file a format."""
