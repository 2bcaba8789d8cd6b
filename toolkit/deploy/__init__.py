"""Bringing a model to boards over OpenSSH: checked, copied, verified, proven, measured, then switched to."""
