"""What runs on the Raspberry Pi: camera, face detection, int8 inference, latency. Never imports ``toolkit``."""
