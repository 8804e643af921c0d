import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.values.leaks import CANARY, leaks, raised
from tests.wire.made import JSON_VALUES, flips, fuzz
from tropipay_oauth._values.errors import RemoteProtocolError
from tropipay_oauth._wire.strict_json import parse_object

GOOD = (
    '{"access_token": "eyJ\\u0041.b\\\\.c", "expires_in": 1741987517, "scope": "A B", "n": [1.5, -0, 1e3, true, false, null],'
    ' "deep": {"a": {"b": ["\\ud83d\\ude00 \u20ac", {}]}}, "": ""}'
).encode()


def code_of(body: bytes, **limits: int) -> str:
    with pytest.raises(RemoteProtocolError) as raised:
        parse_object(body, **limits)
    return raised.value.code


def test_an_object_is_read_as_json_reads_it() -> None:
    assert parse_object(GOOD) == json.loads(GOOD)
    assert parse_object(b" \r\n\t{} \n") == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b" ", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"a":1', "malformed_json"),
        (b'{"a":1}}', "malformed_json"),
        (b'{"a":1} {"b":2}', "malformed_json"),
        (b"{'a':1}", "malformed_json"),
        (b'{"a":1,}', "malformed_json"),
        (b'{"a":01}', "malformed_json"),
        (b'{"a":+1}', "malformed_json"),
        (b'{"a":"\n"}', "malformed_json"),
        (b'{"a":"\\x"}', "malformed_json"),
        (b'{"a":"\\u12"}', "malformed_json"),
        (b"<html></html>", "malformed_json"),
        (b'{"a":NaN}', "malformed_json"),
        (b'{"a":Infinity}', "malformed_json"),
        (b'{"a":[-Infinity]}', "malformed_json"),
        (b'{"a":1e999}', "number_limit"),
        (b'{"a":-1e999}', "number_limit"),
        (b'{"a":' + b"9" * 65 + b"}", "number_limit"),
        (b'{"a":0.' + b"9" * 64 + b"}", "number_limit"),
        (b'{"a":' + b"9" * 5000 + b"}", "number_limit"),
        (b'{"a":1,"a":1}', "duplicate_member"),
        (b'{"access_token":"a","access_token":"b"}', "duplicate_member"),
        (b'{"a":[{"b":1,"b":2}]}', "duplicate_member"),
        (b'{"a":1,"\\u0061":2}', "duplicate_member"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"1", "not_an_object"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        ('{"a":1}'.encode("utf-16"), "not_utf8"),
        ('{"a":1}'.encode("utf-16-le"), "malformed_json"),
        ('{"a":1}'.encode("utf-32-be"), "malformed_json"),
        ('{"a":"é"}'.encode("latin-1"), "not_utf8"),
        (b'{"a":"\xc0\xaf"}', "not_utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"a":"\\ud800"}', "lone_surrogate"),
        (b'{"a":"\\udc00\\ud800"}', "lone_surrogate"),
        (b'{"\\uDFFF":1}', "lone_surrogate"),
        (b'{"a":[["\\ud83dx"]]}', "lone_surrogate"),
        (b'"\\ud800"', "lone_surrogate"),
    ],
)
def test_what_is_no_strict_json_object_is_refused(body: bytes, code: str) -> None:
    assert code_of(body) == code


def test_numbers_are_counted_by_their_digits() -> None:
    assert parse_object(b'{"a":-' + b"9" * 64 + b"}") == {"a": -(10**64 - 1)}
    assert parse_object(b'{"a":-1.' + b"0" * 60 + b"e+01}") == {"a": -10.0}
    assert code_of(b'{"a":100}', max_digits=2) == "number_limit"
    assert parse_object(b'{"a":-10}', max_digits=2) == {"a": -10}
    assert code_of(b'{"a":' + b"9" * 5000 + b"}", max_digits=10_000) == "malformed_json"


def test_the_size_is_limited_before_anything_is_read() -> None:
    assert code_of(b"\xff" * 11, max_bytes=10) == "response_too_large"
    assert parse_object(b'{"a":123}', max_bytes=9) == {"a": 123}
    assert code_of(b'{"a":"' + b"x" * (1 << 20) + b'"}') == "response_too_large"


def test_the_depth_is_limited() -> None:
    assert parse_object(b'{"a":' + b"[" * 31 + b"]" * 31 + b"}")["a"]
    assert code_of(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}") == "depth_limit"
    assert code_of(b'{"a":' * 100_000) == "depth_limit"
    assert code_of(b"[" * 100_000) == "depth_limit"
    assert code_of(b'{"a":' + b"[" * 100_000, max_depth=1_000_000) == "depth_limit"


def test_brackets_side_by_side_or_in_texts_are_not_depth() -> None:
    assert len(parse_object(b'{"a":[' + b"[]," * 99 + b"{}]}")["a"]) == 100
    assert parse_object(b'{"a":[], "b":"' + b"[{" * 99 + b'\\"[[\\\\"}')["b"].endswith('[{"[[\\')
    assert code_of(b'{"a":"' + b"[" * 99) == "malformed_json"


def test_escaped_backslashes_are_no_surrogates() -> None:
    assert parse_object(b'{"a":"\\\\ud800"}') == {"a": "\\ud800"}


def test_nothing_of_the_document_is_in_the_failure() -> None:
    for form in ('{{"a":"{0}","b":{0}}}', '{{"a":"{0}","a":1}}', '["{0}"]', '{{"a":["{0}"]}}', '{{"a":"{0}\\ud800"}}'):
        assert not leaks(raised(lambda form=form: parse_object(form.format(CANARY).encode(), max_depth=1)))  # type: ignore[misc]
        assert not leaks(raised(lambda form=form: parse_object(form.format(CANARY).encode(), max_bytes=10)))  # type: ignore[misc]
    assert not leaks(raised(lambda: parse_object(CANARY.encode() + b"\xff")))


def outcome(body: bytes) -> object:
    try:
        return parse_object(body)
    except RemoteProtocolError as error:
        return error.code


@fuzz
@given(st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")) | flips(GOOD))
@example(b'{"a":"\\ud800\\u0000"}')
def test_any_octets_give_an_object_or_a_documented_error(body: bytes) -> None:
    found = outcome(body)
    if isinstance(found, dict):
        assert found == json.loads(body.decode("utf-8"))
    else:
        assert found in {
            *("not_utf8", "malformed_json", "duplicate_member", "not_an_object"),
            *("number_limit", "depth_limit", "lone_surrogate"),
        }


@fuzz
@given(st.dictionaries(st.text(max_size=6), JSON_VALUES, max_size=5))
def test_what_json_writes_is_read_back_unless_a_rule_forbids_it(members: dict[str, object]) -> None:
    found = outcome(json.dumps(members).encode())
    assert found == members or found in {"malformed_json", "number_limit", "lone_surrogate"}
    written = json.dumps(members)
    if found == "malformed_json":
        assert "NaN" in written or "Infinity" in written


def test_each_beginning_of_a_document_is_refused() -> None:
    assert {outcome(GOOD[:end]) if end else "malformed_json" for end in range(len(GOOD))} <= {"malformed_json", "not_utf8"}


def test_floats_are_those_of_json() -> None:
    found = parse_object(b'{"a":-0.0,"b":5e-324,"c":1E400e}'.replace(b"1E400e", b"1.7976931348623157e308"))
    assert math.copysign(1, found["a"]) == -1
    assert found["b"] == 5e-324
    assert found["c"] == 1.7976931348623157e308
