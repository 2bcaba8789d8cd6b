"""Shards, files of many labelled pictures each: parquet and tar, one file a format."""
