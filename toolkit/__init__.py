"""What runs on the host: data, training, quantization, evaluation, reports. May import ``device``."""
