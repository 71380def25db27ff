"""SigV4: who calls, and that nothing of the call was changed on its way.

`sign` is for callers (`client.py`, `fairway call`), `Verifier` for the called service (`asgi.py`),
`derive_signing_key` for whoever hands out keys: a callee is given derived keys only, never a
caller's secret, so that what it holds forges nothing elsewhere.

The protocol is AWS Signature Version 4 as botocore and awscrt speak it (double-encoded paths),
plus a signed `x-fairway-nonce` header that makes every request unique:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from fairway_runtime.sigv4.canonical import UNSIGNED_PAYLOAD, SignableRequest
from fairway_runtime.sigv4.keys import (
    Credentials,
    SigningFile,
    VerifyingFile,
    VerifyingKey,
    VerifyingKeys,
    derive_signing_key,
)
from fairway_runtime.sigv4.replay import ReplayCache
from fairway_runtime.sigv4.sign import sign
from fairway_runtime.sigv4.verify import SignatureRefused, Verified, Verifier

__all__ = [
    "UNSIGNED_PAYLOAD",
    "Credentials",
    "ReplayCache",
    "SignableRequest",
    "SignatureRefused",
    "SigningFile",
    "Verified",
    "Verifier",
    "VerifyingFile",
    "VerifyingKey",
    "VerifyingKeys",
    "derive_signing_key",
    "sign",
]
