"""Scopes: an open list of names. TropiPay's own are named here so that an editor can complete them."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from attrs import field, frozen

from .errors import ConfigurationError

_TOKEN = re.compile(r"[!#-\[\]-~]{1,255}\Z")


class TropiPayScope(StrEnum):
    """The scopes that TropiPay documents. Any other name may be used as well; the server decides."""

    ALLOW_EXTERNAL_CHARGE = "ALLOW_EXTERNAL_CHARGE"
    BLOCKED_MONEY_OUT = "BLOCKED_MONEY_OUT"
    ALLOW_OTA_CHARGE = "ALLOW_OTA_CHARGE"
    ALLOW_SELF_CHARGE = "ALLOW_SELF_CHARGE"
    ALLOW_REDEEM_CODE = "ALLOW_REDEEM_CODE"
    ALLOW_CHARGE_VOUCHER = "ALLOW_CHARGE_VOUCHER"
    ALLOW_EXTERNAL_TOPUP = "ALLOW_EXTERNAL_TOPUP"
    ALLOW_INTERNAL_TRANSFER_IN = "ALLOW_INTERNAL_TRANSFER_IN"
    ALLOW_GIFT_CARD = "ALLOW_GIFT_CARD"
    ALLOW_RECHARGE = "ALLOW_RECHARGE"
    ALLOW_EXTERNAL_TRANSFER = "ALLOW_EXTERNAL_TRANSFER"
    ALLOW_INTERNAL_TRANSFER_OUT = "ALLOW_INTERNAL_TRANSFER_OUT"
    ALLOW_CREATE_BENEFICIARY = "ALLOW_CREATE_BENEFICIARY"
    ALLOW_UPDATE_BENEFICIARY = "ALLOW_UPDATE_BENEFICIARY"
    ALLOW_DELETE_BENEFICIARY = "ALLOW_DELETE_BENEFICIARY"
    ALLOW_UPDATE_PROFILE = "ALLOW_UPDATE_PROFILE"
    ALLOW_PAYMENT_IN = "ALLOW_PAYMENT_IN"
    ALLOW_PAYMENT_OUT = "ALLOW_PAYMENT_OUT"
    ALLOW_MARKET_PURCHASES = "ALLOW_MARKET_PURCHASES"
    UPLOAD_DOCUMENT = "UPLOAD_DOCUMENT"
    ALLOW_GET_PROFILE_DATA = "ALLOW_GET_PROFILE_DATA"
    ALLOW_GET_BALANCE = "ALLOW_GET_BALANCE"
    ALLOW_GET_MOVEMENT_LIST = "ALLOW_GET_MOVEMENT_LIST"
    ALLOW_GET_CREDENTIAL = "ALLOW_GET_CREDENTIAL"
    ALLOW_REFUND = "ALLOW_REFUND"
    ALLOW_GET_POS_MOVEMENT_BY_CREDENTIALS = "ALLOW_GET_POS_MOVEMENT_BY_CREDENTIALS"
    KYC3_FULL_ALLOW = "KYC3_FULL_ALLOW"


_ADVICE = (
    "a scope is visible ASCII without spaces, quotes or backslashes (RFC 6749 §3.3): "
    "write Scope.of with a list of names, or one text with a space between them"
)


def _to_names(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(_ADVICE, code="scope")
    names = tuple(value)
    if not all(isinstance(name, str) and _TOKEN.match(name) for name in names):
        raise ConfigurationError(_ADVICE, code="scope")
    return tuple(dict.fromkeys(str(name) for name in names))


@frozen(repr=False)
class Scope:
    """A set of scope names, sent in the order given; two are equal when their names are (RFC 6749 §3.3).

    Build it with `Scope.of("a b")`, `Scope.of(["a", "b"])` or `Scope.of(None)`.
    """

    names: tuple[str, ...] = field(default=(), eq=frozenset, converter=_to_names)

    @classmethod
    def of(cls, value: "str | Iterable[str] | Scope | None") -> "Scope":
        """The scope that a text, a list or nothing stands for.

        Raises:
            ConfigurationError: a name holds a character that a scope may not hold.
        """
        if isinstance(value, Scope):
            return value
        names = value.split(" ") if isinstance(value, str) else () if value is None else value
        if not isinstance(names, Iterable):
            raise ConfigurationError(_ADVICE, code="scope")
        return cls(name for name in names if name != "")

    def __str__(self) -> str:
        return " ".join(self.names)

    def __repr__(self) -> str:
        return f"Scope({str(self)!r})"

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __bool__(self) -> bool:
        return bool(self.names)

    def __sub__(self, other: "Scope") -> "Scope":
        return Scope(tuple(name for name in self.names if name not in other.names))


def to_scope(value: "str | Iterable[str] | Scope | None") -> Scope:
    """`Scope.of` as a plain function, for attrs converters."""
    return Scope.of(value)
