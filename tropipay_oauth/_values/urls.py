"""What a URL must look like before anything is sent to it or built on it.

What belongs here: strict reading of URLs, origins, and the rules for endpoints and redirect URIs. What does not:
parameters of OAuth messages (the wire layer).
"""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError

_VISIBLE = re.compile(r"[!-\[\]-~]+\Z")
_ROOT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}\Z")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]+)?\Z")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# Resolvers read a name whose last label is a number as an IPv4 address: 2130706433, 127.1 and 0177.0.0.1 are 127.0.0.1.
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)\Z){_LABEL}\Z")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MAX_URL = 8192


def _refuse(what: str, why: str, code: str) -> ConfigurationError:
    return ConfigurationError(f"{what} {why}", code=code)


def _check_text(what: str, url: str) -> None:
    if not isinstance(url, str) or len(url) > _MAX_URL or not _VISIBLE.match(url):
        raise _refuse(what, f"must be visible ASCII without spaces or backslashes, at most {_MAX_URL} characters", "url")


def split(what: str, url: str) -> SplitResult:
    """`url` in its parts, refused unless it is absolute, visible ASCII, free of user info and backslashes.

    Raises:
        ConfigurationError: the message begins with `what` and says what to write.
    """
    _check_text(what, url)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refuse(what, "has a bad host: write it like https://host:port/path", "url_host") from None
    if "@" in parts.netloc:
        raise _refuse(what, "must not hold user info ('user@'): remove it", "url_userinfo")
    if not parts.scheme or (not parts.netloc and not _PRIVATE_SCHEME.match(parts.scheme)):
        raise _refuse(what, "must be absolute: write it like https://host/path", "url_relative")
    _, colon, port = parts.netloc.rpartition("]")[2].partition(":")
    if colon and not (_PORT.match(port) and int(port) < 65536):
        raise _refuse(what, "has a bad port: name one from 1 to 65535 without leading zeros, or none", "url_port")
    return parts


def host_of(what: str, parts: SplitResult) -> str:
    """The host in lower case, refused unless it is a plain DNS name or an IP literal; IPv6 in its shortest form."""
    host = (parts.hostname or "").lower()
    address = ip_literal(host)
    if "[" in parts.netloc:
        if isinstance(address, ipaddress.IPv6Address) and _BRACKETED.match(parts.netloc):
            return str(address)
    elif isinstance(address, ipaddress.IPv4Address) or _HOST.match(host):
        return host
    raise _refuse(what, "has a bad host: use a plain DNS name without a trailing dot, or an IP literal", "url_host")


def ip_literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address if `host` is an IP literal, else None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether `host` is an IP-literal loopback address. A name such as `localhost` is not: it can be made to point away.

    Of IPv6 only `::1`: whether a mapped address such as `::ffff:127.0.0.1` counts differs between versions of Python.
    """
    address = ip_literal(host)
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address(1)
    return address is not None and address.is_loopback


@lru_cache(maxsize=256)
def _place(what: str, root: str) -> tuple[str, str, str]:
    """Scheme, host and origin of a URL up to its path. Remembered: requests go to the same few places."""
    parts = split(what, root)
    host = host_of(what, parts)
    bracketed = f"[{host}]" if ":" in host else host
    suffix = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return parts.scheme, host, f"{parts.scheme}://{bracketed}{suffix}"


def _place_of(what: str, url: str) -> tuple[str, str, str]:
    _check_text(what, url)
    root = _ROOT.match(url)
    if root is None:
        raise _refuse(what, "must be absolute: write it like https://host/path", "url_relative")
    return _place(what, root.group())


def origin(what: str, url: str) -> str:
    """Scheme, host and port of `url` in canonical form: `https://host` or `https://host:8443`."""
    return _place_of(what, url)[2]


def check_endpoint(what: str, url: str, *, allow_localhost: bool = False) -> str:
    """`url` itself if secrets may be sent to it (RFC 6749 §3.1, §3.2): https, or http on a loopback IP literal."""
    scheme, host, _ = _place_of(what, url)
    if scheme != "https" and not (scheme == "http" and (is_loopback(host) or (allow_localhost and host == "localhost"))):
        hint = "; for localhost write 127.0.0.1 or set allow_localhost=True" if host == "localhost" else ""
        raise _refuse(what, f"must begin with https:// (http:// only on 127.0.0.1 or [::1]){hint}", "insecure_endpoint")
    if "#" in url:
        raise _refuse(what, "must not have a fragment: remove '#' and what follows", "url_fragment")
    return url


def check_redirect(url: str, *, allow_localhost: bool = False) -> str:
    """`url` itself if the browser may come back to it: https, loopback or a reverse-DNS scheme (RFC 6749 §3.1.2, RFC 8252 §7)."""
    scheme, _, rest = url.partition(":") if isinstance(url, str) else ("", "", "")
    if not _PRIVATE_SCHEME.match(scheme):
        return check_endpoint("redirect_uri", url, allow_localhost=allow_localhost)
    if not rest.startswith("/"):  # `shop.example:443/cb` is a web address without its https://
        raise _refuse("redirect_uri", "must be absolute: write it like https://host/path or com.my.app:/path", "url_relative")
    split("redirect_uri", url)
    if "#" in url:
        raise _refuse("redirect_uri", "must not have a fragment: remove '#' and what follows", "url_fragment")
    return url
