"""The same scripted exchanges through each runtime's transport, against a real server that counts what it saw."""

import datetime
import socket
import ssl
import threading
from collections.abc import Generator, Iterator

import pytest
import trustme

from tests.adapters.support import PATIENCE, RUNTIMES, Outcome, Runtime, Visit, reply, serving
from tropipay_oauth import Delivery, HTTPRequest, HTTPResponse, TransportError
from tropipay_oauth.errors import ConfigurationError, RemoteProtocolError
from tropipay_oauth_adapters._transport import run


@pytest.fixture(params=RUNTIMES)
def send(request: pytest.FixtureRequest) -> Runtime:
    return RUNTIMES[request.param]


def get(url: str, *, timeout: float = PATIENCE, replayable: bool = True, fresh: bool = False, **parts: object) -> HTTPRequest:
    return HTTPRequest(method="GET", url=url, timeout=timeout, replayable=replayable, fresh_connection=fresh, **parts)  # type: ignore[arg-type]  # test shorthand


def failure(outcome: Outcome) -> TransportError:
    assert isinstance(outcome, TransportError)
    return outcome


def bodies(outcomes: list[Outcome]) -> list[bytes]:
    return [outcome.body if isinstance(outcome, HTTPResponse) else repr(outcome).encode() for outcome in outcomes]


def echo(visit: Visit) -> None:
    while request := visit.request():
        visit.send(reply(request.partition(b" HTTP")[0]))


# -- Connections ---------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_used_again(send: Runtime) -> None:
    with serving(echo) as server:
        outcomes = send([get(f"{server.url}/{i}") for i in range(5)])
    assert bodies(outcomes) == [f"GET /{i}".encode() for i in range(5)]
    assert len(server.visits) == 1


def test_a_fresh_connection_is_opened_for_a_request_that_wants_one_and_closed_after_it(send: Runtime) -> None:
    with serving(echo) as server:
        url = server.url
        outcomes = send([get(f"{url}/a"), get(f"{url}/b", fresh=True), get(f"{url}/c", fresh=True), get(f"{url}/d")])
    assert bodies(outcomes) == [b"GET /a", b"GET /b", b"GET /c", b"GET /d"]
    assert [visit.received.count(b"GET ") for visit in server.visits] == [2, 1, 1]


def test_nothing_is_kept_when_nothing_may_be_idle(send: Runtime) -> None:
    with serving(echo) as server:
        send([get(f"{server.url}/{i}") for i in range(3)], idle_per_origin=0)
    assert len(server.visits) == 3


def test_a_connection_that_was_idle_for_too_long_is_not_used(send: Runtime) -> None:
    with serving(echo) as server:
        send([get(f"{server.url}/{i}") for i in range(3)], idle_seconds=0.0)
    assert len(server.visits) == 3


def test_a_response_that_ends_with_the_connection_is_read_to_its_end(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nuntil ")
        visit.send(b"the end")

    with serving(script) as server:
        outcomes = send([get(server.url), get(server.url)])
    assert bodies(outcomes) == [b"until the end"] * 2
    assert len(server.visits) == 2


def test_an_idle_connection_closed_by_the_server_is_replaced_before_anything_is_sent(send: Runtime) -> None:
    """Also for a request that must not be sent twice: it was seen in time, so the second connection gets the only copy."""
    closed = threading.Event()

    def script(visit: Visit) -> None:
        visit.send(reply(visit.request()[:6]))
        visit.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    def late(visit: Visit) -> None:
        visit.request()
        assert closed.wait(PATIENCE)
        visit.send(reply(b"late"))

    with serving(script) as server, serving(late) as other:
        outcomes = send([get(f"{server.url}/1"), get(other.url), get(f"{server.url}/2", replayable=False)])
    assert bodies(outcomes) == [b"GET /1", b"late", b"GET /2"]
    assert [visit.received.count(b"GET ") for visit in server.visits] == [1, 1]


def forgetful(visit: Visit) -> None:
    """Answers once, and closes on the second request without an answer."""
    visit.send(reply(visit.request()[:6]))
    visit.request()


def test_a_replayable_request_is_sent_again_when_a_kept_connection_gives_no_answer(send: Runtime) -> None:
    with serving(forgetful) as server:
        outcomes = send([get(f"{server.url}/1"), get(f"{server.url}/2")])
    assert bodies(outcomes) == [b"GET /1", b"GET /2"]
    assert [visit.received.count(b"GET ") for visit in server.visits] == [2, 1]


def test_any_other_request_on_a_kept_connection_without_an_answer_is_ambiguous(send: Runtime) -> None:
    with serving(forgetful) as server:
        outcomes = send([get(f"{server.url}/1"), get(f"{server.url}/2", replayable=False)])
    assert failure(outcomes[1]).delivery is Delivery.AMBIGUOUS
    assert [visit.received.count(b"GET ") for visit in server.visits] == [2]


def test_a_replayed_request_stays_ambiguous_when_no_second_connection_can_be_made(send: Runtime) -> None:
    holder: list[Visit] = []

    with serving(lambda visit: script(visit)) as server:

        def script(visit: Visit) -> None:
            visit.send(reply(visit.request()[:6]))
            server.stop_listening()
            holder.append(visit)
            visit.request()

        outcomes = send([get(f"{server.url}/1"), get(f"{server.url}/2")])
    error = failure(outcomes[1])
    assert (error.code, error.delivery) == ("connect", Delivery.AMBIGUOUS)


def test_bytes_that_nobody_asked_for_spoil_a_kept_connection(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.send(reply(visit.request()[:6]) + reply(b"poison"))
        visit.wait_for_close()

    with serving(script) as server:
        outcomes = send([get(f"{server.url}/1"), get(f"{server.url}/2")])
    assert bodies(outcomes) == [b"GET /1", b"GET /2"]
    assert len(server.visits) == 2


def test_a_kept_connection_that_was_reset_is_replaced(send: Runtime) -> None:
    gone = threading.Event()

    def script(visit: Visit) -> None:
        visit.send(reply(visit.request()[:6]))
        visit.reset()
        visit.sock.close()
        gone.set()

    def late(visit: Visit) -> None:
        visit.request()
        assert gone.wait(PATIENCE)
        visit.send(reply(b"late"))

    with serving(script) as server, serving(late) as other:
        outcomes = send([get(f"{server.url}/1"), get(other.url), get(f"{server.url}/2", replayable=False)])
    assert isinstance(outcomes[2], HTTPResponse) or not isinstance(outcomes[0], HTTPResponse)


def test_a_server_that_floods_a_kept_connection_is_not_listened_to(send: Runtime) -> None:
    flooded = threading.Event()

    def script(visit: Visit) -> None:
        visit.send(reply(visit.request()[:6]))
        visit.sock.settimeout(0.3)
        try:
            visit.send(b"x" * (64 << 20))
        finally:
            flooded.set()

    def late(visit: Visit) -> None:
        visit.request()
        assert flooded.wait(PATIENCE)
        visit.send(reply(b"late"))

    with serving(script) as server, serving(late) as other:
        outcomes = send([get(f"{server.url}/1"), get(other.url), get(f"{server.url}/2")])
    assert bodies(outcomes) == [b"GET /1", b"late", b"GET /2"]


def test_a_server_that_breaks_off_while_it_is_written_to(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.sock.recv(1000)
        visit.reset()

    with serving(script) as server:
        request = HTTPRequest(method="POST", url=server.url, body=b"x" * (32 << 20), timeout=PATIENCE)
        error = failure(send([request])[0])
    assert error.delivery is Delivery.AMBIGUOUS
    assert error.code in ("connection_lost", "connection_closed")


def test_something_asynchronous_in_a_synchronous_place_is_named_so() -> None:
    class Suspends:
        def __await__(self) -> Generator[None]:
            yield None

    async def suspends() -> None:
        await Suspends()

    with pytest.raises(ConfigurationError) as caught:
        run(suspends())
    assert caught.value.code == "runtime"


# -- Delivery: what the transport says, compared with what the server saw ------------------------------------------


def test_nothing_listens(send: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(send([get(f"http://127.0.0.1:{port}/")])[0])
    assert (error.code, error.delivery) == ("connect", Delivery.NOT_SENT)


def test_each_address_is_tried(send: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    with serving(echo, server_context("localhost")) as server:

        def resolve(host: str, port: int) -> list[object]:
            found = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", dead)), (socket.AF_INET6, 1, 6, "", ("::1", dead, 0, 0))]
            return [*found, found[0], (socket.AF_INET, 1, 6, "", ("127.0.0.1", server.port))]

        outcomes = send([get(f"https://localhost:{server.port}/x")], ssl_context=client_context(), resolve=resolve)
    assert bodies(outcomes) == [b"GET /x"]


def test_a_server_that_closes_after_accepting(send: Runtime) -> None:
    with serving(lambda visit: None) as server:
        error = failure(send([get(server.url)])[0])
    assert error.delivery is Delivery.AMBIGUOUS
    assert error.code in ("connection_closed", "connection_lost")
    assert len(server.visits) == 1


def test_a_server_that_closes_after_the_request(send: Runtime) -> None:
    with serving(Visit.request) as server:
        error = failure(send([get(server.url)])[0])
    assert (error.code, error.delivery) == ("connection_closed", Delivery.AMBIGUOUS)
    assert server.visits[0].received.endswith(b"\r\n\r\n")


def test_a_server_that_resets(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.reset()

    with serving(script) as server:
        error = failure(send([get(server.url)])[0])
    assert (error.code, error.delivery) == ("connection_lost", Delivery.AMBIGUOUS)


def test_a_body_cut_off(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(reply(b"x" * 100)[:-1])

    with serving(script) as server:
        error = failure(send([get(server.url)])[0])
    assert (error.code, error.delivery) == ("connection_closed", Delivery.AMBIGUOUS)


def test_a_server_that_never_answers(send: Runtime) -> None:
    with serving(Visit.wait_for_close) as server:
        error = failure(send([get(server.url, timeout=0.3)])[0])
        server.wait_until_ended(1)
    assert (error.code, error.delivery) == ("timeout", Delivery.AMBIGUOUS)


def test_a_server_that_drips_is_stopped_by_the_one_deadline(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        for octet in reply(b"x" * 1000):
            visit.send(bytes([octet]))
            threading.Event().wait(0.1)

    with serving(script) as server:
        error = failure(send([get(server.url, timeout=0.5)])[0])
    assert (error.code, error.delivery) == ("timeout", Delivery.AMBIGUOUS)


def test_a_server_that_never_reads_a_long_request(send: Runtime) -> None:
    released = threading.Event()
    with serving(lambda visit: released.wait(PATIENCE)) as server:
        request = HTTPRequest(method="POST", url=server.url, body=b"x" * (32 << 20), timeout=0.4)
        error = failure(send([request])[0])
        released.set()
    assert (error.code, error.delivery) == ("timeout", Delivery.AMBIGUOUS)


def test_an_answer_before_the_whole_request_was_read_counts(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.sock.recv(1000)
        visit.send(reply(b"too long", "Connection: close", status="413 Content Too Large"))
        visit.sock.shutdown(socket.SHUT_WR)
        visit.wait_for_close()

    with serving(script) as server:
        outcomes = send([HTTPRequest(method="POST", url=server.url, body=b"x" * (4 << 20), timeout=PATIENCE)])
    assert bodies(outcomes) == [b"too long"]


def test_a_huge_body_is_not_read_to_its_end(send: Runtime) -> None:
    size, sent = 100 << 20, list[int]()

    def script(visit: Visit) -> None:
        visit.request()
        visit.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        piece = b"x" * (1 << 16)
        while sum(sent) < size:
            visit.send(piece)
            sent.append(len(piece))

    with serving(script) as server:
        (error,) = send([get(server.url, max_body=1 << 20)])
    assert isinstance(error, RemoteProtocolError)
    assert error.code == "response_too_large"
    assert sum(sent) < size // 2


def test_a_server_that_speaks_no_http(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"220 mail.example ESMTP\r\n\r\n")

    with serving(script) as server:
        (error,) = send([get(server.url)])
    assert isinstance(error, RemoteProtocolError)
    assert error.code == "malformed_http"


def test_a_request_that_cannot_be_written_opens_no_connection(send: Runtime) -> None:
    with serving(echo) as server:
        (error,) = send([get(server.url, headers={"Host": "other"})])
    assert isinstance(error, ConfigurationError)
    assert server.visits == []


def test_redirects_cookies_and_compression_are_the_callers_business(send: Runtime) -> None:
    answer = reply(b"\x1f\x8b", "Location: /elsewhere", "Set-Cookie: a=b", "Content-Encoding: gzip", status="302 Found")

    def script(visit: Visit) -> None:
        while visit.request():
            visit.send(answer)

    with serving(script) as server:
        outcomes = send([get(server.url), get(server.url)])
    assert bodies(outcomes) == [b"\x1f\x8b"] * 2
    assert b"ookie" not in server.visits[0].received


# -- Names ---------------------------------------------------------------------------------------------------------


def test_a_name_that_does_not_exist(send: Runtime) -> None:
    error = failure(send([get("https://no-such-host.invalid/")])[0])
    assert (error.code, error.delivery) == ("resolve", Delivery.NOT_SENT)


def test_a_name_without_an_address(send: Runtime) -> None:
    error = failure(send([get("https://empty.invalid/")], resolve=lambda host, port: [])[0])
    assert (error.code, error.delivery) == ("resolve", Delivery.NOT_SENT)


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """A resolver waits for it; it is set at the end, so that no thread outlives the test."""
    released = threading.Event()
    yield released
    released.set()


def test_a_resolver_that_hangs_does_not_outlast_the_deadline(send: Runtime, stuck: threading.Event) -> None:
    calls: list[str] = []

    def resolve(host: str, port: int) -> list[object]:
        calls.append(host)
        stuck.wait(PATIENCE)
        return []

    outcomes = send([get("https://slow.invalid/", timeout=0.2) for _ in range(3)], resolve=resolve)
    assert [(failure(one).code, failure(one).delivery) for one in outcomes] == [("timeout", Delivery.NOT_SENT)] * 3
    assert calls == ["slow.invalid"]


# -- TLS -----------------------------------------------------------------------------------------------------------

AUTHORITY = trustme.CA()


def server_context(*names: str, authority: trustme.CA = AUTHORITY, not_after: datetime.datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_after=not_after).configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def test_tls_is_spoken_and_kept_alive(send: Runtime) -> None:
    with serving(echo, server_context("127.0.0.1")) as server:
        outcomes = send([get(f"{server.url}/{i}") for i in range(3)], ssl_context=client_context())
    assert bodies(outcomes) == [b"GET /0", b"GET /1", b"GET /2"]
    assert len(server.visits) == 1


def test_a_long_body_over_tls(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.send(reply(visit.request()[-(1 << 20) :]))

    with serving(script, server_context("127.0.0.1")) as server:
        body = bytes(range(256)) * (1 << 12)
        request = HTTPRequest(method="POST", url=server.url, body=body, timeout=PATIENCE)
        outcomes = send([request], ssl_context=client_context())
    assert bodies(outcomes) == [body]


STRANGER = trustme.CA()
LAST_YEAR = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


@pytest.mark.parametrize(
    "context",
    [
        pytest.param(server_context("127.0.0.1", authority=STRANGER), id="unknown-authority"),
        pytest.param(server_context("wrong.example"), id="wrong-host"),
        pytest.param(server_context("127.0.0.1", not_after=LAST_YEAR), id="expired"),
    ],
)
def test_a_bad_certificate_stops_everything_before_a_byte_of_the_request(send: Runtime, context: ssl.SSLContext) -> None:
    with serving(echo, context) as server:
        error = failure(send([get(server.url, headers={"Authorization": "Bearer x"})], ssl_context=client_context())[0])
    assert (error.code, error.delivery) == ("certificate", Delivery.NOT_SENT)
    assert b"".join(visit.received for visit in server.visits) == b""


def test_the_default_context_verifies(send: Runtime) -> None:
    with serving(echo, server_context("127.0.0.1")) as server:
        error = failure(send([get(server.url)])[0])
    assert error.code == "certificate"


def test_a_server_that_speaks_no_tls(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.sock.recv(1)
        visit.send(reply(b"plain") + b"x" * 100)
        visit.wait_for_close()

    with serving(script) as server:
        error = failure(send([get(server.url.replace("http", "https"))], ssl_context=client_context())[0])
    assert (error.code, error.delivery) == ("tls", Delivery.NOT_SENT)


def test_a_server_that_hangs_up_during_the_handshake(send: Runtime) -> None:
    with serving(lambda visit: visit.sock.recv(1)) as server:
        error = failure(send([get(server.url.replace("http", "https"))], ssl_context=client_context())[0])
    assert error.delivery is Delivery.NOT_SENT


def test_a_handshake_that_hangs_is_stopped_by_the_deadline(send: Runtime) -> None:
    with serving(Visit.wait_for_close) as server:
        url = server.url.replace("http", "https")
        error = failure(send([get(url, timeout=0.3)], ssl_context=client_context())[0])
    assert (error.code, error.delivery) == ("timeout", Delivery.NOT_SENT)


def test_tls_without_a_proper_end_may_have_been_cut_off(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nhalf of")

    with serving(script, server_context("127.0.0.1")) as server:
        error = failure(send([get(server.url)], ssl_context=client_context())[0])
    assert (error.code, error.delivery) == ("connection_lost", Delivery.AMBIGUOUS)


def test_tls_with_a_proper_end_is_complete(send: Runtime) -> None:
    def script(visit: Visit) -> None:
        visit.request()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        assert isinstance(visit.sock, ssl.SSLSocket)
        visit.sock.unwrap()

    with serving(script, server_context("127.0.0.1")) as server:
        outcomes = send([get(server.url)], ssl_context=client_context())
    assert bodies(outcomes) == [b"all of it"]
