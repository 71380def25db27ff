"""What every test may ask for."""

from __future__ import annotations

import signal

from hypothesis import settings
from tests.aws.moto_rig import moto, moto_server
from tests.aws.terraform_rig import pytest_terminal_summary, terraform, terraform_configured
from tests.databases import database, opening
from tests.postgres import postgres_server, postgres_url

__all__ = [
    "database",
    "moto",
    "moto_server",
    "opening",
    "postgres_server",
    "postgres_url",
    "pytest_terminal_summary",
    "terraform",
    "terraform_configured",
]

# A slow machine finds no other defects: nothing is to be done within 200 ms.
settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")

# A shell lets what it starts in the background ignore Ctrl-C, and all that this starts in turn.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
