"""Who the client is."""

import re

from attrs import field, frozen

from .errors import ConfigurationError
from .secret import Opaque, Secret, discreet_init, to_optional_secret

_VSCHAR = re.compile(r"[ -~]+\Z")
_MAX_ID = 1000
_AGENT = re.compile(r"[!-~][ -~]{0,199}\Z")


def _check_id(instance: object, attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _VSCHAR.match(value) or len(value) > _MAX_ID:
        raise ConfigurationError(
            "client_id is empty, too long or holds characters other than printable ASCII: copy it from the credential's page",
            code="client_id",
        )


def _check_secret(instance: object, attribute: object, value: Secret | None) -> None:
    if value is not None and not _VSCHAR.match(value.reveal()):
        raise ConfigurationError(
            "client_secret is empty or holds characters other than printable ASCII: copy it again, or pass None",
            code="client_secret",
        )


def _check_agent(instance: object, attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _AGENT.match(value):
        raise ConfigurationError("user_agent is printable ASCII like 'MyShop/1.0', at most 200 characters", code="user_agent")


@discreet_init
@frozen(kw_only=True, repr=False, getstate_setstate=False)
class Credential(Opaque):
    """A TropiPay credential: the client that asks for tokens.

    Args:
        client_id: as TropiPay shows it.
        client_secret: hidden from here on; None for a public client (RFC 6749 §2.1).
        user_agent: sent with each request; TropiPay recommends `App/Version`.

    Raises:
        ConfigurationError: a part is empty or holds characters that OAuth forbids (RFC 6749 appendix A).
    """

    client_id: str = field(validator=_check_id)
    client_secret: Secret | None = field(default=None, converter=to_optional_secret, validator=_check_secret)
    user_agent: str = field(default="tropipay-oauth/0.1", validator=_check_agent)

    def __repr__(self) -> str:
        shown = "None" if self.client_secret is None else "hidden"
        return f"Credential(client_id={self.client_id!r}, client_secret={shown})"
