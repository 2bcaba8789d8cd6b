"""From a Keras model to a .tflite that is measured against it."""
