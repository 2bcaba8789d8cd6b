"""Where to publish by MQTT and as whom: an address, a password from a file, certificates for TLS."""

import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from device.errors import EdgeError, UsageError
from device.files import read_short, regular_size

EXPECTED = (
    "`mqtt`: expected HOST, HOST:PORT, mqtt://USER@HOST:PORT or, by TLS, mqtts://…, and nothing after it; "
    "/ # @ in a password are %2F %23 %40"
)
PORTS = {"mqtt": 1883, "mqtts": 8883}
PROBE_S = 3.0


@dataclass(frozen=True)
class Broker:
    """Where to publish and as whom; ``context`` is what TLS trusts and shows, None without TLS."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = field(default=None, compare=False)

    @classmethod
    def parse(
        cls,
        text: str,
        password_file: str | None = None,
        ca: str | None = None,
        cert: str | None = None,
        key: str | None = None,
    ) -> "Broker":
        """Return the broker of ``HOST``, ``HOST:PORT``, ``mqtt://USER:PASSWORD@HOST:PORT`` or ``mqtts://…``.

        ``password_file``: its first line is the password. ``ca``, ``cert`` and ``key`` are PEM files for TLS: whom to
        trust in place of the system's authorities, and what to show. UsageError for all else, with no secret in it.
        """
        try:
            parts = urlsplit(text if "//" in text else f"mqtt://{text}")
            user, password = (part and unquote(part) for part in (parts.username, parts.password))
            host, port = (
                parts.hostname or "",
                PORTS.get(parts.scheme, 0) if parts.port is None else parts.port,
            )
            host.encode("idna")
        except ValueError:  # whose message may hold a part of the password
            raise UsageError(EXPECTED) from None
        if not host or not port or parts.path.strip("/") or parts.query or parts.fragment:
            raise UsageError(EXPECTED)
        if password_file:
            password = _first_line(password_file)
        if password is not None and not user:
            raise UsageError("`mqtt`: a password without a user; expected mqtt://USER@HOST:PORT")
        if parts.scheme == "mqtts":
            return cls(host, port, user, password, _tls(ca, cert, key))
        if ca or cert or key:
            raise UsageError(
                "`mqtt_ca`, `mqtt_cert` and `mqtt_key` are for TLS; name the broker mqtts://HOST"
            )
        return cls(host, port, user, password)

    @property
    def name(self) -> str:
        """The broker's address without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.context else 'mqtt'}://{host}:{self.port}"

    def problem(self) -> str:
        """Return why it does not answer, tried anew; paho does not tell."""
        try:
            connection = socket.create_connection((self.host, self.port), PROBE_S)
        except OSError as error:
            return f"does not answer ({error.strerror or error})"
        with connection:
            try:
                if self.context:
                    self.context.wrap_socket(connection, server_hostname=self.host).close()
            except OSError as error:
                reason = (
                    getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror
                )
                return f"does not speak TLS as expected ({reason}); is the port right, and `mqtt_ca`?"
        return "does not answer"


def _first_line(path: str) -> str:
    try:
        line = read_short(path).split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text in UTF-8"
        raise EdgeError(
            f"`mqtt_password_file` {path}: {reason}; expected the password in its first line"
        ) from None
    if not line:
        raise EdgeError(f"`mqtt_password_file` {path}: its first line is empty; expected the password")
    return line


def _tls(ca: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    if key and not cert:
        raise UsageError("`mqtt_key` belongs to a certificate; name it with `mqtt_cert`")
    reading = f"`mqtt_ca` {ca}"
    try:
        if ca:
            regular_size(ca)
        context = ssl.create_default_context(cafile=ca)
        reading = f"`mqtt_cert` {cert}" + (f" `mqtt_key` {key}" if key else "")
        if cert:
            regular_size(cert), regular_size(key or cert)
            context.load_cert_chain(cert, key, password="")  # else an encrypted key would ask at the terminal
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise EdgeError(f"{reading}: {reason}; expected PEM files, the key without a password") from None
    return context
