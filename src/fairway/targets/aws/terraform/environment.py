"""The variables of a Terraform process, and what of them never appears in a text. Pure.

Only what Terraform, its provider and the network need is passed on: no TF_LOG (it writes requests
out), no TF_VAR_* (values come from files), no arguments for single commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_NAMES = frozenset({
    "PATH", "PYTHONPATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LC_ALL", "VIRTUAL_ENV",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS",
    "TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_DIR",
    "TF_REGISTRY_CLIENT_TIMEOUT", "TF_REGISTRY_DISCOVERY_RETRY",
})  # fmt: skip
_PREFIXES = ("AWS_", "TF_TOKEN_")
_SECRET_NAMES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
_SHORTEST_SECRET = 6
"""A shorter one would mask parts of ordinary words."""
MASK = "(hidden)"


def child_environment(variables: Mapping[str, str], cache: Path) -> dict[str, str]:
    """The variables of the process; `cache` is where providers are kept unless told otherwise.

    The cache is shared by root modules: without it each would hold 700 MB of its own. It may add to
    a lock file, which is right here: the folder was rendered, nobody keeps it in version control.
    """
    passed = {
        name: value
        for name, value in variables.items()
        if name in _NAMES or name.startswith(_PREFIXES)
    }
    return {
        **_endpoints(passed),
        "TF_PLUGIN_CACHE_DIR": str(cache),
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true",
        **passed,
        "TF_IN_AUTOMATION": "true",
        "TF_INPUT": "false",
        "CHECKPOINT_DISABLE": "true",
    }


def _endpoints(variables: Mapping[str, str]) -> dict[str, str]:
    """The S3 backend knows the endpoints of single services only."""
    everywhere = variables.get("AWS_ENDPOINT_URL")
    if not everywhere:
        return {}
    return {"AWS_ENDPOINT_URL_S3": everywhere, "AWS_ENDPOINT_URL_DYNAMODB": everywhere}


def masked(text: str, variables: Mapping[str, str]) -> str:
    """The text without any credential of these variables."""
    for name, value in variables.items():
        secret = name in _SECRET_NAMES or name.startswith("TF_TOKEN_")
        if secret and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, MASK)
    return text
