"""The conversion itself: from a float network to the bytes of a .tflite, by a recipe."""
