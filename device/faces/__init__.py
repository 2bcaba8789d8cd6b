"""Where faces are and what of them the network sees: detectors, finder, tracking, crops."""
