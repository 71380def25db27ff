"""Secrets: values that rotate while the process runs, and never show by accident.

    secrets = Secrets.from_environment()
    secrets["AXON_MODEL_KEY"].reveal()

Where they come from is a provider (`providers.py`, `aws.py`); `store.py` looks for new versions.
"""

from fairway_runtime.secrets.store import Secrets
from fairway_runtime.secrets.value import SecretValue

__all__ = ["SecretValue", "Secrets"]
