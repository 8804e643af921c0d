"""The inputs of the session's table that are no facts themselves."""

from attrs import frozen


@frozen(kw_only=True)
class RevocationAnswered:
    """The provider's answer to a revocation request; `confirmed` by 200 alone (RFC 7009 §2.2)."""

    confirmed: bool
    now: float
