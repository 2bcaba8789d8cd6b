"""What an MQTT topic may be, to publish to it."""


def fit_topic(text: str) -> bool:
    """Return whether a message can be published to ``text``: + and # only stand in what is subscribed to."""
    return bool(text) and not set(text) & set("+#\0")
