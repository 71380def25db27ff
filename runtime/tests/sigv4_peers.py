"""The two published SigV4 implementations behind one function each, for cross-checks."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from unittest import mock

import awscrt.auth
import awscrt.http
import botocore.auth
import botocore.awsrequest
import botocore.credentials

from fairway_runtime.sigv4 import SignableRequest

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY_ID = "orbit.1"
REGION = "local"
SERVICE = "axon"
NOW = 1_795_219_200.0
NONCE = "abcdefghijklmnopqrst"


def botocore_headers(request: SignableRequest) -> list[tuple[str, str]]:
    """The headers of `request` as botocore signs and sends it."""
    url = f"http://{dict(request.headers)['host']}{request.path}"
    sent = botocore.awsrequest.AWSRequest(
        request.method, f"{url}?{request.query}" if request.query else url, data=request.body
    )
    for name, value in request.headers:
        sent.headers.add_header(name, value)
    sent.headers["x-fairway-nonce"] = NONCE
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(KEY_ID, SECRET), SERVICE, REGION
    )
    sent.headers["x-amz-content-sha256"] = signer.payload(sent)
    moment = datetime.fromtimestamp(NOW, UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        signer.add_auth(sent)
    return list(sent.headers.items())


def awscrt_headers(request: SignableRequest) -> list[tuple[str, str]]:
    """The headers of `request` as awscrt signs and sends it."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    headers = awscrt.http.HttpHeaders([*request.headers, ("x-fairway-nonce", NONCE)])
    body = io.BytesIO(request.body) if request.body else None
    sent = awscrt.http.HttpRequest(request.method, target, headers, body)
    config = awscrt.auth.AwsSigningConfig(
        credentials_provider=awscrt.auth.AwsCredentialsProvider.new_static(KEY_ID, SECRET),
        region=REGION,
        service=SERVICE,
        date=datetime.fromtimestamp(NOW, UTC),
        signed_body_header_type=awscrt.auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
    )
    return list(awscrt.auth.aws_sign_request(sent, config).result(5).headers)
