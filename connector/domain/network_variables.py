"""Which environment variable the HTTP libraries cannot use: they read proxies and certificates by themselves."""

import ipaddress
import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from connector.domain.errors import ConfigError
from connector.domain.masking import MASK

_PROXIES = ("https_proxy", "http_proxy", "all_proxy")
_CERTIFICATES = ("ssl_cert_file", "ssl_cert_dir", "sslkeylogfile")
NAMES = (*_PROXIES, "no_proxy", *_CERTIFICATES)
"""In lower case; the libraries read both spellings of proxies."""

_SCHEMES = ("http", "https", "socks5", "socks5h")
_PASSWORD_AS_PORT = re.compile(r"^([^:/\[\]]*):(?!\d*(?:/|$))[^/]*")


def verification(url: str, environment: Mapping[str, str]) -> ssl.SSLContext | bool:
    """`verify` for httpx. Reading all certificates takes 50 ms: spared if neither the URL nor a proxy needs any.

    The context that is used then trusts no certificate.
    """
    proxied = any(value and name.lower() in _PROXIES for name, value in environment.items())
    if proxied or not url.lower().startswith("http://"):
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def names_certificates(environment: Mapping[str, str]) -> bool:
    """True if a variable names certificates: then they are read, so that a mistake in it is reported."""
    return any(value and name.lower() in _CERTIFICATES for name, value in environment.items())


def without_credentials(address: str) -> str:
    """The address of a proxy with user, password, and what may be one of them, masked."""
    scheme, separator, rest = address.rpartition("://")
    userinfo, _, place = rest.rpartition("@")
    place = _PASSWORD_AS_PORT.sub(rf"\1:{MASK}", re.sub(r"[?#].*", "", place, flags=re.DOTALL))
    return f"{scheme}{separator}{MASK + '@' if userinfo else ''}{place}"


def network_mistake(
    operation: str, subject: str, error: Exception, environment: Mapping[str, str]
) -> ConfigError | None:
    """The error for a client that could not be set up; None if no variable explains it.

    `environment` has the variables of NAMES, in upper or lower case.
    """
    found = _of_files(error, environment) if isinstance(error, OSError) else _of_addresses(environment)
    return ConfigError(operation, subject, *found) if found else None


def _of_files(error: OSError, environment: Mapping[str, str]) -> tuple[str, str] | None:
    given = {name: value for name, value in environment.items() if value and name.lower() in _CERTIFICATES}
    guilty = [name for name, value in given.items() if value == error.filename] or sorted(given, key=_order)
    if not guilty:
        return None
    name = guilty[0]
    why = "it has no certificate in PEM format" if isinstance(error, ssl.SSLError) else error.strerror or "unreadable"
    return f"{name}={given[name]} cannot be used: {why}", "Name a file that this user can read, or unset the variable"


def _of_addresses(environment: Mapping[str, str]) -> tuple[str, str] | None:
    given = {name: value for name, value in environment.items() if value and name.lower() in (*_PROXIES, "no_proxy")}
    for name in sorted(given, key=_order):
        exceptions = name.lower() == "no_proxy"
        mistake = _of_exceptions(given[name]) if exceptions else _of_proxy(given[name])
        if mistake:
            shown = given[name] if exceptions and "@" not in given[name] else without_credentials(given[name])
            return f"{name}={shown} cannot be used: {mistake[0]}", mistake[1]
    return None


def _of_proxy(value: str) -> tuple[str, str] | None:
    address = value if "://" in value else f"http://{value}"
    scheme = address.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        return f"the scheme {scheme} is not supported", "Use http://host:port"
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "it is not a valid address", "Use http://host:port"
    if scheme.startswith("socks"):
        return (
            "SOCKS needs the Python package socksio",
            "Install it with `pip install socksio`, or use http://host:port",
        )
    return None


def _of_exceptions(value: str) -> tuple[str, str] | None:
    """The first mistake in NO_PROXY, and its cure; None if it has none."""
    for host in (part.strip() for part in value.split(",")):
        if host and not _is_host(host):
            return (
                f"{host.rpartition('@')[2]!a} is not a valid host",
                "Use host names and addresses, separated by commas",
            )
    return None


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        pass
    else:
        return True
    try:
        return urlsplit(text if "://" in text else f"//{text}").port != 0
    except ValueError:
        return False


def _order(name: str) -> int:
    return NAMES.index(name.lower())
