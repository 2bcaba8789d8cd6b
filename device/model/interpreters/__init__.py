"""What runs a graph: LiteRT in this process; in one with limits for delegates and for what was not checked in full."""
