"""TropiPay's OAuth 2 as a pure state machine: no socket, no clock, no random source, no log.

    step = machine.handle(fact)     # step.effects: what to do now; step.events: what happened
    machine.state                   # an immutable value
    machine.wake_at                 # when to call handle(TimeReached(now=...)), or None

Vocabularies: `facts` go in, `effects` and `events` come out; `states`, `records` and `errors` are what they speak of.
On demand: `tropipay_oauth.sandbox`, the other side of the wire; `.diagram` and `.transcript`, ways to look at a machine.
The adapters that do the I/O are in `tropipay_oauth_adapters`.
"""

from . import effects as effects
from . import errors as errors
from . import events as events
from . import facts as facts
from . import records as records
from . import states as states
from ._law.access import Access as Access
from ._law.access import Verdict as Verdict
from ._law.grants.machines import AuthorizationCodeGrant as AuthorizationCodeGrant
from ._law.grants.machines import ClientCredentialsGrant as ClientCredentialsGrant
from ._law.grants.machines import RefreshTokenGrant as RefreshTokenGrant
from ._law.machine import Step as Step
from ._law.policy import SessionPolicy as SessionPolicy
from ._law.session.machine import Session as Session
from ._values.credential import Credential as Credential
from ._values.errors import Delivery as Delivery
from ._values.errors import TransportError as TransportError
from ._values.errors import TropiPayOAuthError as TropiPayOAuthError
from ._values.http import Headers as Headers
from ._values.http import HTTPRequest as HTTPRequest
from ._values.http import HTTPResponse as HTTPResponse
from ._values.pending import MemoryPendingStore as MemoryPendingStore
from ._values.pending import PendingAuthorization as PendingAuthorization
from ._values.pending import PendingStore as PendingStore
from ._values.provider import PRODUCTION as PRODUCTION
from ._values.provider import SANDBOX as SANDBOX
from ._values.provider import BodyEncoding as BodyEncoding
from ._values.provider import ClientAuthentication as ClientAuthentication
from ._values.provider import IssuerParameter as IssuerParameter
from ._values.provider import Provider as Provider
from ._values.records import MemoryStore as MemoryStore
from ._values.scope import Scope as Scope
from ._values.scope import TropiPayScope as TropiPayScope
from ._values.secret import Entropy as Entropy
from ._values.secret import Secret as Secret
from ._values.token import Expiry as Expiry
from ._values.token import ExpirySource as ExpirySource
from ._values.token import GrantType as GrantType
from ._values.token import Token as Token
from ._wire.metadata import metadata_request as metadata_request
from ._wire.metadata import provider_from_metadata as provider_from_metadata

__all__ = [
    "PRODUCTION",
    "SANDBOX",
    "Access",
    "AuthorizationCodeGrant",
    "BodyEncoding",
    "ClientAuthentication",
    "ClientCredentialsGrant",
    "Credential",
    "Delivery",
    "Entropy",
    "Expiry",
    "ExpirySource",
    "GrantType",
    "HTTPRequest",
    "HTTPResponse",
    "Headers",
    "IssuerParameter",
    "MemoryPendingStore",
    "MemoryStore",
    "PendingAuthorization",
    "PendingStore",
    "Provider",
    "RefreshTokenGrant",
    "Scope",
    "Secret",
    "Session",
    "SessionPolicy",
    "Step",
    "Token",
    "TransportError",
    "TropiPayOAuthError",
    "TropiPayScope",
    "Verdict",
    "metadata_request",
    "provider_from_metadata",
]
