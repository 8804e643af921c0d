"""What a URL must look like before anything is sent to it or built on it.

What belongs here: strict reading of URLs, origins, and the rules for endpoints and redirect URIs. What does not:
parameters of OAuth messages (the wire layer).
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError

_VISIBLE = re.compile(r"[!-~]+\Z")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\Z")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MAX_URL = 8192


def _refuse(what: str, why: str, code: str) -> ConfigurationError:
    return ConfigurationError(f"{what} {why}", code=code)


def split(what: str, url: str) -> SplitResult:
    """`url` in its parts, refused unless it is absolute, visible ASCII, free of user info and backslashes.

    Raises:
        ConfigurationError: the message begins with `what` and says what to write.
    """
    if not isinstance(url, str) or len(url) > _MAX_URL or not _VISIBLE.match(url) or "\\" in url:
        raise _refuse(what, f"must be visible ASCII without spaces or backslashes, at most {_MAX_URL} characters", "url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refuse(what, "has a bad host or port: write it like https://host:port/path", "url") from None
    if "@" in parts.netloc:
        raise _refuse(what, "must not hold user info ('user@'): remove it", "url_userinfo")
    if not parts.scheme or (not parts.netloc and not _PRIVATE_SCHEME.match(parts.scheme)):
        raise _refuse(what, "must be absolute: write it like https://host/path", "url_relative")
    if port == 0 or parts.netloc.endswith(":"):
        raise _refuse(what, "has a bad port: name one from 1 to 65535, or none", "url")
    return parts


def host_of(what: str, parts: SplitResult) -> str:
    """The host in lower case, refused unless it is a plain DNS name or an IP literal."""
    host = (parts.hostname or "").lower()
    if ip_literal(host) is None and not _HOST.match(host):
        raise _refuse(what, "has a bad host: use a plain DNS name without a trailing dot, or an IP literal", "url_host")
    return host


def ip_literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address if `host` is an IP literal, else None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether `host` is an IP-literal loopback address. A name such as `localhost` is not: it can be made to point away."""
    address = ip_literal(host)
    return address is not None and address.is_loopback


def origin(what: str, url: str) -> str:
    """Scheme, host and port of `url` in canonical form: `https://host` or `https://host:8443`."""
    parts = split(what, url)
    host = host_of(what, parts)
    bracketed = f"[{host}]" if ":" in host else host
    port = parts.port
    suffix = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{bracketed}{suffix}"


def check_endpoint(what: str, url: str, *, allow_localhost: bool = False) -> str:
    """`url` itself if secrets may be sent to it (RFC 6749 §3.1, §3.2): https, or http on a loopback IP literal."""
    parts = split(what, url)
    host = host_of(what, parts)
    if parts.scheme == "http" and (is_loopback(host) or (allow_localhost and host == "localhost")):
        pass
    elif parts.scheme != "https":
        hint = "; for localhost write 127.0.0.1 or set allow_localhost=True" if host == "localhost" else ""
        raise _refuse(what, f"must begin with https:// (http:// only on 127.0.0.1 or [::1]){hint}", "insecure_endpoint")
    if "#" in url:
        raise _refuse(what, "must not have a fragment: remove '#' and what follows", "url_fragment")
    return url


def check_redirect(url: str, *, allow_localhost: bool = False) -> str:
    """`url` itself if the browser may come back to it (RFC 6749 §3.1.2, RFC 8252 §7): https, loopback, or a reverse-DNS scheme."""
    if isinstance(url, str) and _PRIVATE_SCHEME.match(url.partition(":")[0]):
        split("redirect_uri", url)
    else:
        check_endpoint("redirect_uri", url, allow_localhost=allow_localhost)
    if "#" in url:
        raise _refuse("redirect_uri", "must not have a fragment: remove '#' and what follows", "url_fragment")
    return url
