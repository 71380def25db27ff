"""What the verifier refuses: forged, altered, expired, misdirected and replayed calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime.tests.sigv4_requests import (
    CREDENTIALS,
    DATE,
    KEY_ID,
    KEYS,
    NONCE,
    NOW,
    SECRET,
    request,
    signed_headers,
    verifier,
    verify,
)

from fairway_runtime.sigv4 import (
    Credentials,
    ReplayCache,
    SignatureRefused,
    SigningFile,
    Verifier,
    VerifyingFile,
    derive_signing_key,
    sign,
)

Headers = list[tuple[str, str]]


def refused(sent: object, headers: Headers, by: Verifier | None = None) -> str:
    with pytest.raises(SignatureRefused) as caught:
        verify(sent, headers, by)  # type: ignore[arg-type]
    return caught.value.reason


def replaced(headers: Headers, name: str, value: str | None) -> Headers:
    kept = [(n, v) for n, v in headers if n.lower() != name]
    return kept if value is None else [*kept, (name, value)]


def test_the_derived_key_is_that_of_the_published_example() -> None:
    key = derive_signing_key(SECRET, "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"


@pytest.mark.parametrize(
    "changed",
    [
        request(path="/other"),
        request(query="a=1"),
        request(method="PUT"),
    ],
    ids=["path", "query", "method"],
)
def test_an_altered_request_is_refused(changed: object) -> None:
    assert "does not match" in refused(changed, signed_headers(request()))


def test_an_altered_body_does_not_match() -> None:
    sent = request(body=b"one")
    found = verify(sent, signed_headers(sent))
    assert not found.body_matches(b"two")
    assert not found.body_matches(b"")


def test_an_unsigned_payload_matches_any_body_and_says_so() -> None:
    sent = request(body=None)
    found = verify(sent, signed_headers(sent))
    assert found.body_hash is None
    assert found.body_matches(b"whatever")


@pytest.mark.parametrize("name", ["x-fairway-deadline", "content-type", "host", "idempotency-key"])
def test_an_altered_signed_header_is_refused(name: str) -> None:
    sent = request(
        headers=[("x-fairway-deadline", "1"), ("content-type", "b"), ("idempotency-key", "c")]
    )
    headers = replaced(signed_headers(sent), name, "changed")
    assert "does not match" in refused(sent, headers)


def test_what_sidecars_set_when_they_choose_a_version_breaks_no_signature() -> None:
    sent = request(headers=[("x-fairway-cohort", "r7")])
    moved = replaced(signed_headers(sent), "x-fairway-cohort", "stable")
    assert verify(sent, [*moved, ("x-fairway-shadow", "1"), ("baggage", "a=b")]).caller


@pytest.mark.parametrize(
    "name", ["host", "x-amz-date", "x-amz-content-sha256", "x-fairway-nonce", "authorization"]
)
def test_a_required_header_may_neither_lack_nor_repeat(name: str) -> None:
    headers = signed_headers(request())
    value = dict(headers)[name]
    assert refused(request(), replaced(headers, name, None))
    assert "repeated" in refused(request(), [*headers, (name, value)])


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-content-sha256", "x-fairway-nonce"])
def test_a_required_header_that_is_not_signed_is_refused(name: str) -> None:
    headers = signed_headers(request())
    authorization = dict(headers)["authorization"].replace(f"{name};", "").replace(f";{name}", "")
    assert f"not signed: {name}" in refused(
        request(), replaced(headers, "authorization", authorization)
    )


def test_a_content_type_added_on_the_way_is_refused() -> None:
    headers = [*signed_headers(request()), ("content-type", "text/xml")]
    assert "not signed: content-type" in refused(request(), headers)


@pytest.mark.parametrize("offset", [-301, 301, 86_400])
def test_a_date_more_than_five_minutes_away_is_refused(offset: int) -> None:
    assert "clock" in refused(request(), signed_headers(request()), verifier(NOW + offset))


@pytest.mark.parametrize("offset", [-300, 0, 300])
def test_a_date_within_five_minutes_is_accepted(offset: int) -> None:
    assert verify(request(), signed_headers(request()), verifier(NOW + offset)).caller == "orbit"


@pytest.mark.parametrize("date", ["20261121T250000Z", "20261121T000000", "yesterday", ""])
def test_a_malformed_date_is_refused(date: str) -> None:
    headers = replaced(signed_headers(request()), "x-amz-date", date)
    assert "x-amz-date" in refused(request(), headers)


@pytest.mark.parametrize("part", ["region", "service", "key_id", "secret"])
def test_other_credentials_are_refused(part: str) -> None:
    fields = {
        "key_id": KEY_ID, "secret": SECRET, "region": "local", "service": "axon", part: "other",
    }  # fmt: skip
    added = sign(request(), Credentials(**fields), now=NOW, nonce=NONCE)
    assert refused(request(), [("host", "axon.internal"), *added.items()])


def test_a_scope_of_another_day_than_the_date_is_refused() -> None:
    headers = signed_headers(request(), now=NOW)
    moved = replaced(headers, "x-amz-date", "20261120T235959Z")
    assert "another day" in refused(request(), moved, verifier(NOW - 10))


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Signature=" + "0" * 64, "x" * 9000,
     "AWS4-HMAC-SHA256 Credential=a/20261121/local/axon/aws4_request, SignedHeaders=b;a, Signature="
     + "0" * 64],
)  # fmt: skip
def test_a_malformed_authorization_is_refused(authorization: str) -> None:
    headers = replaced(signed_headers(request()), "authorization", authorization)
    assert refused(request(), headers)


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_any_garbage_is_refused_and_never_raises_anything_else(garbage: str) -> None:
    for name in ("authorization", "x-amz-date", "x-amz-content-sha256", "x-fairway-nonce"):
        assert refused(request(), replaced(signed_headers(request()), name, garbage))


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_signature_with_one_digit_changed_is_refused(position: int, digit: str) -> None:
    headers = signed_headers(request())
    stem, _, signature = dict(headers)["authorization"].rpartition("=")
    forged = signature[:position] + digit + signature[position + 1 :]
    if forged != signature:
        changed = replaced(headers, "authorization", f"{stem}={forged}")
        assert "does not match" in refused(request(), changed)


def test_a_repeated_nonce_is_refused_even_on_another_request() -> None:
    by = verifier()
    verify(request(), signed_headers(request()), by)
    assert "nonce" in refused(request(), signed_headers(request()), by)
    assert "nonce" in refused(request(path="/x"), signed_headers(request(path="/x")), by)


def test_a_forged_call_does_not_use_up_the_nonce() -> None:
    by = verifier()
    refused(request(path="/x"), signed_headers(request()), by)
    assert verify(request(), signed_headers(request()), by).caller == "orbit"


def test_the_replay_cache_forgets_when_the_date_is_no_longer_accepted() -> None:
    cache = ReplayCache(window=300)
    assert cache.first_use("k", "n", dated=1000, now=1000)
    assert not cache.first_use("k", "n", dated=1000, now=1300)
    assert cache.first_use("k", "m", dated=1301, now=1301)
    assert len(cache) == 1


def test_a_full_replay_cache_narrows_the_window_and_forgets_nothing_it_accepts() -> None:
    cache = ReplayCache(window=300, entries=10)
    for number in range(10):
        assert cache.first_use("k", f"n{number}", dated=1000 + number, now=1010)
    assert cache.first_use("k", "one too many", dated=1010, now=1010)
    assert cache.floor == 1000
    assert len(cache) == 10
    assert not cache.first_use("k", "n0", dated=1000, now=1010)
    assert not cache.first_use("k", "n1", dated=1001, now=1010)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=200))
def test_no_nonce_is_ever_accepted_twice(uses: list[tuple[int, int]]) -> None:
    cache = ReplayCache(window=300, entries=16)
    accepted: set[tuple[int, int]] = set()
    for dated, nonce in uses:
        if cache.first_use("k", f"{dated}-{nonce}", dated, now=30):
            assert (dated, nonce) not in accepted
            accepted.add((dated, nonce))
        assert len(cache) <= 16


def write(path: Path, document: object) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(document))
    temporary.replace(path)


def verifying(*key_ids: str) -> dict[str, object]:
    derived = derive_signing_key(SECRET, DATE, "local", "axon").hex()
    entries = [
        {"key_id": key_id, "caller": "orbit", "kind": "Service", "date": DATE, "key": derived}
        for key_id in key_ids
    ]
    return {"service": "axon", "region": "local", "keys": entries}


def signing(*key_ids: str) -> dict[str, object]:
    keys = [{"key_id": key_id, "secret": SECRET} for key_id in key_ids]
    return {"identity": "orbit", "kind": "Service", "region": "local", "keys": keys}


def test_keys_rotate_with_an_overlap_and_without_a_restart(tmp_path: Path) -> None:
    write(tmp_path / "signing.json", signing("orbit.1"))
    write(tmp_path / "verifying.json", verifying("orbit.1"))
    ours, theirs = (
        SigningFile(tmp_path / "signing.json"),
        VerifyingFile(tmp_path / "verifying.json"),
    )
    by = Verifier(theirs, clock=lambda: NOW)

    def call(nonce: str) -> str:
        added = sign(request(), ours.credentials("axon"), now=NOW, nonce=nonce)
        return verify(request(), [*request().headers, *added.items()], by).key_id

    assert call("first" + NONCE) == "orbit.1"
    write(tmp_path / "verifying.json", verifying("orbit.1", "orbit.2"))
    ours._file._next_look = theirs._file._next_look = 0.0
    assert call("overlap" + NONCE) == "orbit.1"
    write(tmp_path / "signing.json", signing("orbit.1", "orbit.2"))
    ours._file._next_look = 0.0
    assert call("second" + NONCE) == "orbit.2"
    write(tmp_path / "verifying.json", verifying("orbit.2"))
    theirs._file._next_look = 0.0
    assert call("third" + NONCE) == "orbit.2"


def test_a_broken_key_file_keeps_the_last_good_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "verifying.json", verifying("orbit.1"))
    keys = VerifyingFile(tmp_path / "verifying.json")
    (tmp_path / "verifying.json").write_text('{"keys": [{"key": "' + SECRET)
    keys._file._next_look = 0.0
    assert keys.current().keys
    assert "cannot be read" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": 1}', '{"keys": [{"key": "zz"}]}'])
def test_an_unreadable_key_file_at_start_says_which(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"verifying\.json"):
        VerifyingFile(path)
    with pytest.raises(ValueError, match=r"signing\.json"):
        SigningFile(path)


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    write(tmp_path / "signing.json", signing("orbit.1"))
    shown = repr(
        (CREDENTIALS, KEYS, *KEYS.keys.values(), SigningFile(tmp_path / "signing.json").identity())
    )
    assert SECRET not in shown
    assert derive_signing_key(SECRET, DATE, "local", "axon").hex() not in shown


def test_a_request_without_host_cannot_be_signed() -> None:
    sent = request()
    hostless = type(sent)(sent.method, sent.path, sent.query, [], sent.body)
    with pytest.raises(ValueError, match="host"):
        sign(hostless, CREDENTIALS, now=NOW, nonce=NONCE)


def test_signing_again_replaces_the_former_signature() -> None:
    once = request(headers=sign(request(), CREDENTIALS, now=NOW, nonce="n" * 16).items())
    assert sign(once, CREDENTIALS, now=NOW, nonce=NONCE) == sign(
        request(), CREDENTIALS, now=NOW, nonce=NONCE
    )
