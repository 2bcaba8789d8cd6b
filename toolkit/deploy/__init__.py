"""Bringing a model to boards over OpenSSH: checked, copied, verified, switched in one step, proven, measured."""
