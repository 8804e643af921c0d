"""The public surface, name by name: it changes when somebody means it to. Runs against the built wheel as well."""

import importlib
import importlib.util
import subprocess
import sys

import pytest

ENGINE = """
PRODUCTION SANDBOX Access AuthorizationCodeGrant BodyEncoding ClientAuthentication ClientCredentialsGrant Credential
Delivery Entropy Expiry ExpirySource GrantType HTTPRequest HTTPResponse Headers IssuerParameter MemoryPendingStore
MemoryStore PendingAuthorization PendingStore Provider RefreshTokenGrant Scope Secret Session SessionPolicy Step
Token TransportError TropiPayOAuthError TropiPayScope Verdict metadata_request provider_from_metadata
""".split()  # noqa: SIM905  # read as text


VOCABULARIES = {
    "facts": """
        AccessRequested AuthorizationGranted BeginAuthorization CallbackReceived Close Fact RecordLoaded RecordSwapped
        ResponseReceived RevocationRequested StoreFailed SwapRefused TimeReached TokenAccepted TokenRejected TransportFailed
        """,
    "effects": "Effect LoadRecord RedirectUser RefuseCallers ReleaseCallers SendRequest SwapRecord",
    "events": """
        AuthorizationRequested CallbackIgnored Event ExpiryInterpreted ExpiryReason GrantFailed GrantReceived InDoubt
        ResourceReceived RetryScheduled RevocationFailed ScopeNarrowed TokenExpired TokenIssued TokenNotPersisted TokenPresented
        TokenRefreshed TokenRevoked
        """,
    "states": """
        Active AwaitingCallback Claiming Closed Committing Deferred Dormant Erasing Exchanging Expired Failed Forgetting
        GrantInDoubt GrantState InDoubt Ledger Live Loading NeedsAuthorization Ready Requesting Resting Revoking
        SessionState Settling Watching
        """,
    "records": """
        AsyncTokenStore Empty Intent MemoryStore Record Refusal StoreKey TokenStore Tokens record_from_json record_to_json
        """,
    "errors": """
        AccessEnded AttemptsSpent AuthorizationRefused CallbackError ConfigurationError Delivery InsufficientScope
        IssuerMismatch IssuerMissing LocalError LocalProtocolError MalformedCallback MetadataError OAuthError
        ReauthorizationRequired RecordMismatch RedirectMismatch RemoteError RemoteProtocolError ResourceNotAllowed
        ServerUnavailable SessionClosed StateExpired StateMismatch StateMissing StateReplayed StateUnknown StoreError
        TokenAlreadyExpired TokenInDoubt TransportError TropiPayOAuthError
        """,
    "diagram": "diagram",
    "transcript": "Recorder Transcript",
}

ON_DEMAND = {"sandbox", "diagram", "transcript"}


def test_the_engine_has_exactly_these_names() -> None:
    import tropipay_oauth

    assert sorted(tropipay_oauth.__all__) == sorted(ENGINE)
    assert len(ENGINE) <= 40
    assert [name for name in ENGINE if not hasattr(tropipay_oauth, name)] == []
    visible = {name for name in vars(tropipay_oauth) if not name.startswith("_")}
    assert visible - set(ENGINE) - ON_DEMAND == set(VOCABULARIES) - ON_DEMAND


@pytest.mark.parametrize("name", VOCABULARIES)
def test_each_vocabulary_has_exactly_these_names(name: str) -> None:
    module = importlib.import_module(f"tropipay_oauth.{name}")
    assert sorted(module.__all__) == sorted(VOCABULARIES[name].split())
    assert {found for found in vars(module) if not found.startswith("_")} == set(module.__all__)


def test_every_public_name_says_what_it_is() -> None:
    for place in ("tropipay_oauth", *(f"tropipay_oauth.{name}" for name in VOCABULARIES)):
        module = importlib.import_module(place)
        for name in module.__all__:
            found = getattr(module, name)
            assert not isinstance(found, type) or (found.__doc__ or "").strip(), f"{place}.{name}"


def test_the_engine_needs_attrs_alone() -> None:
    code = "import sys; before = set(sys.modules); import tropipay_oauth; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign <= {"tropipay_oauth", "attr", "attrs", "_strptime"}


def test_the_adapters_are_a_package_of_their_own_and_the_folder_is_none() -> None:
    assert importlib.util.find_spec("tropipay_oauth_adapters") is not None
    code = "import adapters.tropipay_oauth_adapters"
    outside = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert "ModuleNotFoundError" in outside.stderr
