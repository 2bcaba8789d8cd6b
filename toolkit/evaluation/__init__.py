"""What a model is worth: accuracy on faces and on whole pictures, robustness, latency on this machine."""
