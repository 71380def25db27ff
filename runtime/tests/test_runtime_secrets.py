"""Secrets: never shown, found in order, rotated without a restart, kept while nobody answers."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import threading
from pathlib import Path

import botocore.session
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from runtime.tests.serving import echo

from fairway_runtime import InvalidConfiguration, SecretMissing, Secrets, SecretValue, Settings
from fairway_runtime.asgi import fairway
from fairway_runtime.logs import configure, get_logger
from fairway_runtime.metrics import Metrics
from fairway_runtime.redaction import MARK, Redactor
from fairway_runtime.secrets.aws import AwsSecrets
from fairway_runtime.secrets.providers import (
    EnvironmentSecrets,
    Fetched,
    FileSecrets,
    SecretsUnavailable,
)

VALUE = 'tiger\'s "milk" ü 4711'


class Shelf:
    """A provider whose content the test changes; None means that it cannot be reached."""

    refresh: float | None = 1.0

    def __init__(self, **values: str) -> None:
        self.values: dict[str, str] | None = values

    def fetch(self, name: str) -> Fetched | None:
        if self.values is None:
            raise SecretsUnavailable("the shelf is out of reach")
        value = self.values.get(name)
        return None if value is None else Fetched(f"v-{value}", value)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_but_reveal_shows_the_value() -> None:
    secret = SecretValue("KEY", "7", VALUE)
    shown = f"{secret} {secret!r} {secret:>40} {secret!s} {[secret]} {Fetched('7', VALUE)!r}"
    assert "tiger" not in shown
    assert secret.reveal() == VALUE
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            give_away(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_secret_never_reaches_a_log() -> None:
    stream = io.StringIO()
    configure(Settings(), stream)
    secrets = Secrets([EnvironmentSecrets({"KEY": VALUE})])
    value = secrets["KEY"]
    log = get_logger("test")
    log.info("the value is " + value.reveal(), secret=value, raw=value.reveal(), where=[VALUE])
    logging.getLogger("other").warning("again %s", VALUE)
    try:
        raise ValueError(f"bad key {value.reveal()}")
    except ValueError:
        log.exception("failed")
    text = stream.getvalue()
    assert "tiger" not in text
    assert text.count(MARK) == 5
    assert all(json.loads(line) for line in text.splitlines())


def test_mounted_secrets_are_redacted_before_anyone_asks_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "KEY").write_text("never-asked-for\n")
    (tmp_path / "BROKEN").write_bytes(b"\xff\xfe\xfd\xfc")
    (tmp_path / "folder").mkdir()
    fairway(echo, Settings(secrets_dir=tmp_path), metrics=Metrics())
    get_logger("test").info("read from the environment: never-asked-for")
    text = capsys.readouterr().out
    assert "never-asked-for" not in text
    assert "cannot be kept out of the logs" in text


@given(st.text(min_size=4), st.text(), st.text())
def test_any_secret_is_redacted_from_any_json_line(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.add(secret)
    for ascii_only in (True, False):
        line = json.dumps(before + secret + after, ensure_ascii=ascii_only)
        assert json.dumps(secret, ensure_ascii=ascii_only)[1:-1] not in redactor.redact(
            line
        ).replace(MARK, "")


def test_the_environment_is_the_last_resort(tmp_path: Path) -> None:
    (tmp_path / "BOTH").write_text("from the file\n")
    variables = {"FAIRWAY_SECRETS_DIR": str(tmp_path), "BOTH": "no", "ONLY": "from the variable"}
    secrets = Secrets.from_environment(Settings.from_environment(variables))
    assert secrets["BOTH"].reveal() == "from the file"
    assert (secrets["ONLY"].reveal(), secrets["ONLY"].version) == (
        "from the variable", "environment",
    )  # fmt: skip
    assert "BOTH" in secrets
    assert "NONE" not in secrets
    assert repr(secrets) == "Secrets(BOTH, ONLY)"
    with pytest.raises(SecretMissing, match="no secret NONE") as missing:
        secrets["NONE"]
    assert "fairway secrets set" in str(missing.value)


def test_a_changed_file_is_a_new_version(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "KEY").write_text("one")
    secrets = Secrets([FileSecrets(tmp_path)], clock=clock)
    first = secrets["KEY"]
    assert secrets["KEY"] is first
    replacement = tmp_path / "KEY.new"
    replacement.write_text("two")
    replacement.replace(tmp_path / "KEY")
    assert secrets["KEY"] is first, "it looks at most once a second"
    clock.now += 1
    second = secrets["KEY"]
    assert (first.reveal(), second.reveal()) == ("one", "two")
    assert first.version != second.version


@pytest.mark.parametrize("name", ["../KEY", "a/b", "..", ".", "", "a\0b"])
def test_a_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "KEY").write_text("outside")
    inside = tmp_path / "inside"
    inside.mkdir()
    assert FileSecrets(inside).fetch(name) is None


def test_a_file_that_is_not_text_does_not_show_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_bytes(b"\xff\xfesecret")
    with pytest.raises(SecretsUnavailable) as error:
        FileSecrets(tmp_path).fetch("KEY")
    assert "secret" not in str(error.value)


def test_a_known_version_outlives_its_provider(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    shelf = Shelf(KEY="known")
    secrets = Secrets([shelf, EnvironmentSecrets({"KEY": "stale"})], clock=clock)
    assert secrets["KEY"].reveal() == "known"
    shelf.values = None
    clock.now += 5
    assert secrets["KEY"].reveal() == "known"
    assert "cannot be looked up" in caplog.text
    fresh = Secrets([shelf, EnvironmentSecrets({"KEY": "stale"})], clock=clock)
    assert fresh["KEY"].reveal() == "stale"


def test_changes_are_told_once_and_a_broken_callback_stops_nobody() -> None:
    shelf = Shelf(KEY="one", OTHER="x")
    secrets = Secrets([shelf], refresh=3600)
    heard: list[str] = []
    secrets.on_change("KEY", lambda value: 1 / 0)
    secrets.on_change("KEY", lambda value: heard.append(value.reveal()))
    secrets.refresh()
    assert heard == []
    shelf.values = {"KEY": "two", "OTHER": "x"}
    secrets.refresh()
    secrets.refresh()
    assert heard == ["two"]
    secrets.close()


def test_rotation_is_noticed_in_the_background() -> None:
    shelf = Shelf(KEY="one")
    secrets = Secrets([shelf], refresh=0.01)
    noticed = threading.Event()
    secrets.on_change("KEY", lambda value: noticed.set())
    shelf.values = {"KEY": "two"}
    assert noticed.wait(10)
    assert secrets["KEY"].reveal() == "two"
    secrets.close()


def test_a_secret_that_appears_later_is_told() -> None:
    shelf = Shelf()
    secrets = Secrets([shelf], refresh=3600)
    heard: list[str] = []
    secrets.on_change("KEY", lambda value: heard.append(value.version))
    shelf.values = {"KEY": "here"}
    secrets.refresh()
    assert heard == ["v-here"]
    secrets.close()


@pytest.fixture
def aws() -> tuple[AwsSecrets, Stubber]:
    client = botocore.session.get_session().create_client(
        "secretsmanager", region_name="eu-central-1",
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip
    stubber = Stubber(client)
    stubber.activate()
    return AwsSecrets("shop/prod/", client=client), stubber


def stored(stubber: Stubber, version: str, **value: object) -> None:
    answer = {"Name": "shop/prod/KEY", "VersionId": version * 32, **value}
    stubber.add_response("get_secret_value", answer, {"SecretId": "shop/prod/KEY"})


def test_aws_versions_rotate(aws: tuple[AwsSecrets, Stubber]) -> None:
    provider, stubber = aws
    clock = Clock()
    stored(stubber, "a", SecretString="one")
    stored(stubber, "b", SecretString="two")
    secrets = Secrets([provider], clock=clock)
    assert secrets["KEY"].version == "a" * 32
    clock.now += 299
    assert secrets["KEY"].reveal() == "one"
    clock.now += 1
    assert secrets["KEY"].reveal() == "two"
    stubber.assert_no_pending_responses()


def test_aws_failures_are_told_apart(aws: tuple[AwsSecrets, Stubber]) -> None:
    provider, stubber = aws
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
    assert provider.fetch("KEY") is None
    stubber.add_client_error("get_secret_value", "AccessDeniedException")
    with pytest.raises(SecretsUnavailable, match="AccessDeniedException"):
        provider.fetch("KEY")
    stored(stubber, "c", SecretBinary=b"\x00")
    with pytest.raises(SecretsUnavailable, match="binary"):
        provider.fetch("KEY")


def test_aws_without_its_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "botocore.session", None)
    with pytest.raises(InvalidConfiguration, match=r"fairway-runtime\[aws\]"):
        Secrets.from_environment(Settings(secrets_aws_prefix="shop/"))
