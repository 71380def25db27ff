"""The honest peer: two Envoys configured by hand, mutual TLS and RBAC in front of a program.

What someone would write from Envoy's documentation to have the same protection of one call, and
nothing else: static files, no tracing, no access log, no health checks. Both use one worker
thread, as Fairway's sidecars do. Used by `bench/calls.py` as `with hand_written_mesh(port) as
entrance`: requests to `entrance` travel caller Envoy → mutual TLS → callee Envoy → program.
"""

# ruff: noqa: E501 - the names of Envoy's types are as long as they are
from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.start import free_port
from fairway.targets.local.identity import certificates
from fairway.targets.local.mesh.binary import envoy_binary

PATIENCE = 20.0

CALLER = """
static_resources:
  listeners:
  - name: egress
    address: {{socket_address: {{address: 127.0.0.1, port_value: {entrance}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: egress
          route_config:
            virtual_hosts:
            - name: callee
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: callee}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: callee
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: callee
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {inbound}}}}}}}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context:
          tls_certificates:
          - certificate_chain: {{filename: {folder}/caller.pem}}
            private_key: {{filename: {folder}/caller.key}}
          validation_context:
            trusted_ca: {{filename: {folder}/ca.pem}}
            match_typed_subject_alt_names:
            - san_type: URI
              matcher: {{exact: spiffe://bench/callee}}
"""

CALLEE = """
static_resources:
  listeners:
  - name: inbound
    address: {{socket_address: {{address: 127.0.0.1, port_value: {inbound}}}}}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context:
            tls_certificates:
            - certificate_chain: {{filename: {folder}/callee.pem}}
              private_key: {{filename: {folder}/callee.key}}
            validation_context:
              trusted_ca: {{filename: {folder}/ca.pem}}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: inbound
          normalize_path: true
          route_config:
            virtual_hosts:
            - name: program
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                route: {{cluster: program}}
          http_filters:
          - name: envoy.filters.http.rbac
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  caller:
                    principals:
                    - authenticated: {{principal_name: {{exact: spiffe://bench/caller}}}}
                    permissions:
                    - and_rules:
                        rules:
                        - header: {{name: ":method", string_match: {{exact: POST}}}}
                        - url_path: {{path: {{exact: /reason}}}}
                    - and_rules:
                        rules:
                        - header: {{name: ":method", string_match: {{exact: GET}}}}
                        - url_path: {{path: {{exact: /echo}}}}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: program
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: program
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {program}}}}}}}
"""


@contextmanager
def hand_written_mesh(program: int) -> Iterator[int]:
    """Both Envoys in front of the program on that port; yields the port that a caller uses."""
    entrance, inbound = free_port(), free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _write_certificates(folder)
        for name, text in (("callee", CALLEE), ("caller", CALLER)):
            file = folder / f"{name}.yaml"
            file.write_text(
                text.format(folder=folder, entrance=entrance, inbound=inbound, program=program)
            )
            stack.enter_context(_envoy(file))
        _until_listening(inbound)
        _until_listening(entrance)
        yield entrance


def _write_certificates(folder: Path) -> None:
    now = datetime.now(UTC)
    key = certificates.new_key()
    authority = certificates.self_signed_authority(key, "bench", now)
    (folder / "ca.pem").write_text(certificates.certificate_pem(authority))
    for name in ("caller", "callee"):
        leaf = certificates.issue(authority, key, f"spiffe://bench/{name}", now, timedelta(days=1))
        (folder / f"{name}.pem").write_text(leaf.certificate)
        (folder / f"{name}.key").write_text(leaf.key)


@contextmanager
def _envoy(file: Path) -> Iterator[None]:
    argv = [str(envoy_binary(os.environ)), "--config-path", str(file), "--concurrency", "1"]
    with file.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, "--disable-hot-restart", "--log-level", "error"], stdout=log, stderr=log
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the hand-written Envoy on port {port} does not listen")
