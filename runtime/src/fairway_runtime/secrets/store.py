"""`Secrets`: what a service holds; looks for new versions in the background and tells of them.

Providers are asked in order; the first that has a secret of the name gives it. A version that was
seen is kept while its provider is unreachable. Safe between threads; callbacks run on the
background thread, one at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fairway_runtime import redaction
from fairway_runtime.errors import SecretMissing
from fairway_runtime.logs import get_logger
from fairway_runtime.secrets.providers import (
    EnvironmentSecrets,
    Fetched,
    FileSecrets,
    SecretProvider,
    SecretsUnavailable,
)
from fairway_runtime.secrets.value import SecretValue
from fairway_runtime.settings import Settings

Callback = Callable[[SecretValue], object]
_log = get_logger(__name__)


class _Held(NamedTuple):
    value: SecretValue
    looked: float


class Secrets:
    """The secrets of a service by name: `secrets["NAME"].reveal()`.

    Reading gives the newest version that was found. `on_change` callbacks hear of new versions
    without anyone reading. `refresh` says how often to look, in seconds; by default as often as
    the provider finds it worth (files 1 s, AWS 300 s).
    """

    def __init__(
        self,
        providers: Sequence[SecretProvider],
        *,
        refresh: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._providers = tuple(providers)
        self._clock = clock
        periods = [each.refresh for each in self._providers if each.refresh is not None]
        self._period = (refresh or min(periods)) if periods else None
        self._held: dict[str, _Held] = {}
        self._callbacks: dict[str, list[Callback]] = {}
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._watcher: threading.Thread | None = None

    @classmethod
    def from_environment(cls, settings: Settings | None = None) -> Secrets:
        """From AWS where a prefix is set, then `$FAIRWAY_SECRETS_DIR`, then the environment."""
        settings = settings or Settings.from_environment()
        providers: list[SecretProvider] = []
        if settings.secrets_aws_prefix is not None:
            from fairway_runtime.secrets.aws import AwsSecrets  # noqa: PLC0415 - the `aws` extra

            providers.append(AwsSecrets(settings.secrets_aws_prefix))
        if settings.secrets_dir is not None:
            providers.append(FileSecrets(settings.secrets_dir))
        providers.append(EnvironmentSecrets(settings.variables))
        return cls(providers, refresh=settings.secrets_refresh)

    def __getitem__(self, name: str) -> SecretValue:
        """The newest version; raises SecretMissing."""
        with self._lock:
            held = self._held.get(name)
            if held is None or self._is_old(held):
                held = self._look(name)
        if held is None:
            raise SecretMissing(
                f"there is no secret {name}",
                where="secrets",
                remedy="list it under `secrets` of the service and set it: fairway secrets set",
            )
        return held.value

    def __contains__(self, name: str) -> bool:
        try:
            return bool(self[name])
        except SecretMissing:
            return False

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._held))})"

    def on_change(self, name: str, callback: Callback) -> None:
        """Call `callback(value)` whenever a version other than the present one is found."""
        with self._lock:
            if name not in self._held:
                self._look(name)
            self._callbacks.setdefault(name, []).append(callback)
            if self._watcher is None and self._period is not None:
                self._watcher = threading.Thread(
                    target=self._watch, name="fairway-secrets", daemon=True
                )
                self._watcher.start()

    def refresh(self) -> None:
        """Look for new versions of everything that was asked for, now."""
        for name in {*self._held, *self._callbacks}:
            with self._lock:
                before = self._held.get(name)
                held = self._look(name)
                callbacks = tuple(self._callbacks.get(name, ()))
            if held is not None and (before is None or before.value is not held.value):
                _tell(callbacks, held.value)

    def close(self) -> None:
        """Stop looking. Values that were read stay readable."""
        self._closed.set()
        if self._watcher is not None:
            self._watcher.join(timeout=5)

    def _watch(self) -> None:
        while not self._closed.wait(self._period):
            self.refresh()

    def _is_old(self, held: _Held) -> bool:
        # With a watcher, reading never waits for a provider.
        if self._watcher is not None or self._period is None:
            return False
        return self._clock() - held.looked >= self._period

    def _look(self, name: str) -> _Held | None:
        """Ask the providers, keeping the present value where nothing changed or nobody answers."""
        held = self._held.get(name)
        fetched = self._fetch(name)
        if fetched is not None:
            value = held.value if held is not None else None
            if value is None or value.version != fetched.version:
                redaction.shared.add(fetched.value)
                value = SecretValue(name, fetched.version, fetched.value)
            held = _Held(value, self._clock())
        elif held is not None:
            held = _Held(held.value, self._clock())
        if held is not None:
            self._held[name] = held
        return held

    def _fetch(self, name: str) -> Fetched | None:
        for provider in self._providers:
            try:
                found = provider.fetch(name)
            except SecretsUnavailable as error:
                _log.warning(
                    "a secret cannot be looked up",
                    provider=type(provider).__name__,
                    problem=str(error),
                )
                if name in self._held:
                    return None
                continue
            if found is not None:
                return found
        return None


def redact_mounted(settings: Settings) -> None:
    """Keep every secret of `$FAIRWAY_SECRETS_DIR` out of the logs, also those that the service
    reads from its environment instead of from `Secrets`.
    """
    if settings.secrets_dir is None or not settings.secrets_dir.is_dir():
        return
    provider = FileSecrets(settings.secrets_dir)
    for path in settings.secrets_dir.iterdir():
        if not path.is_file():
            continue
        try:
            found = provider.fetch(path.name)
        except SecretsUnavailable as error:
            _log.warning("a secret cannot be kept out of the logs", problem=str(error))
            continue
        if found is not None:
            redaction.shared.add(found.value)


def _tell(callbacks: Sequence[Callback], value: SecretValue) -> None:
    for callback in callbacks:
        try:
            callback(value)
        except Exception:  # noqa: BLE001 - the service's own code: it must not stop the watcher
            _log.exception("a callback for a changed secret failed", secret=value.name)
