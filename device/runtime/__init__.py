"""A run: its options, its parts, the frame loop, its latency."""
