"""A .tflite file, read in Python with every offset checked: its graph, the files appended to it, its metadata."""
