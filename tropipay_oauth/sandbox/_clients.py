"""The clients that the sandbox knows, and what may be registered.

What belongs here: a client's record and the checks of its parts. What does not: proving who a client is.
"""

import re
from collections.abc import Iterable
from typing import Any, Literal

from attrs import field, frozen

from .._values.checks import is_line
from .._values.errors import ConfigurationError
from .._values.secret import Opaque, Secret
from . import _redirects

ApplicationType = Literal["native", "web"]

APPROVED = 2
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credential")  # the third spelled as TropiPay spells it
_SCOPE = re.compile(r"[!#-\[\]-~]{1,255}")


def to_scopes(value: str | Iterable[str]) -> tuple[str, ...]:
    """Scope names out of a text with spaces or a list, each once, in order."""
    names = value.split(" ") if isinstance(value, str) else list(value)
    return tuple(dict.fromkeys(name for name in names if name != ""))


def is_scope(name: object) -> bool:
    """Whether it is a scope name at all (RFC 6749 §3.3)."""
    return isinstance(name, str) and _SCOPE.fullmatch(name) is not None


def _check_name(instance: object, attribute: object, value: str) -> None:
    if not isinstance(value, str) or not is_line(value, 200) or not value.strip() or not value.isprintable():
        raise ConfigurationError(
            "client_name is one line of printable text, at most 200 characters: it is shown to the user", code="client_name"
        )


def _check_redirects(instance: "RegisteredClient", attribute: object, value: tuple[str, ...]) -> None:
    for uri in value:
        if not isinstance(uri, str) or not _redirects.is_safe(uri):
            raise ConfigurationError(
                "a redirect URI is https://..., http:// on 127.0.0.1, [::1] or localhost, or a scheme such as com.my.app:/..., "
                "without user info, wildcard or fragment",
                code="invalid_redirect_uri",
            )
        if instance.application_type == "web" and _redirects.is_loopback(uri):
            raise ConfigurationError("a web application's redirect URI is https://...", code="invalid_redirect_uri")


def _check_scopes(instance: object, attribute: object, value: tuple[str, ...]) -> None:
    if not all(is_scope(name) for name in value):
        raise ConfigurationError("a scope is visible ASCII without quotes and backslashes (RFC 6749 §3.3)", code="scope")


@frozen(kw_only=True, repr=False, getstate_setstate=False)
class RegisteredClient(Opaque):
    """A client as the sandbox knows it (RFC 7591 §3.2.1).

    Args:
        client_id: its name in the protocol.
        client_secret: None for a public client, which cannot keep one (RFC 6749 §2.1).
        client_name: shown to the user on the consent page.
        redirect_uris: where the browser may be sent back; the port of a loopback address may differ (RFC 8252 §7.3).
        scopes: the most it may ask for, and what it gets when it asks for nothing.
        grant_types: what it may do; TropiPay's spelling `client_credential` is one of them.
        application_type: a `web` application has no loopback redirect URI.
        status: 0 created, 1 declined, 2 approved; only an approved client gets tokens.
        issued_at: Unix seconds.
        extra: other registered metadata, as name and text.

    Raises:
        ConfigurationError: a part that must not be registered.
    """

    client_id: str
    client_secret: Secret | None
    client_name: str = field(validator=_check_name)
    application_type: ApplicationType = "native"
    redirect_uris: tuple[str, ...] = field(default=(), converter=tuple, validator=_check_redirects)
    scopes: tuple[str, ...] = field(default=(), converter=to_scopes, validator=_check_scopes)
    grant_types: tuple[str, ...] = field(default=GRANT_TYPES, converter=tuple)
    status: int = APPROVED
    issued_at: int = 0
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether it has no secret."""
        return self.client_secret is None

    def may(self, grant_type: str) -> bool:
        """Whether it may use that grant type."""
        spellings = (grant_type, grant_type.removesuffix("s"))
        return self.status == APPROVED and any(spelling in self.grant_types for spelling in spellings)

    def __repr__(self) -> str:
        return f"RegisteredClient(client_id={self.client_id!r}, client_name={self.client_name!r})"
