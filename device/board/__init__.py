"""The board under a run: its temperature, power and clock, its processor."""
