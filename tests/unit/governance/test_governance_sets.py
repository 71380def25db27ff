"""Policy sets: validated, audited, never changed, activated as releases, rolled back."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.governance.governance_samples import SHOP

from fairway.errors import Conflict, InvalidAppFile, InvalidInput, NotFound
from fairway.governance.files import policies_text, read_policies
from fairway.governance.generate import generate_policies
from fairway.governance.sets import PolicySets, difference
from fairway.governance.store import MemoryPolicyStore
from fairway.governance.validation import validate
from fairway_runtime.policy.audit import Entry

ALLOW = '@id("a") permit (principal, action, resource);'
DENY = '@id("b") forbid (principal, action, resource);'


class Desk:
    """Policy sets with what they wrote to the audit log."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.app = SHOP
        self.sets = PolicySets(
            MemoryPolicyStore(),
            validate=lambda source: validate(self.app, [source]),
            clock=lambda: 1000.5,
            record=self.entries.append,
        )


def test_versions_are_made_updated_and_compared() -> None:
    sets = Desk().sets
    first = sets.create(ALLOW, by="ada", expected=0)
    second = sets.update(1, f"{ALLOW}\n{DENY}", by="ada", expected=1, note="stop")
    assert (first.version, second.version, second.base, second.note) == (1, 2, 1, "stop")
    assert sets.diff(1, 2).added == {"b": DENY}
    assert sets.diff(2, 1).removed == {"b": DENY}
    assert sets.read(1) == first
    assert [each.version for each in sets.all()] == [1, 2]


def test_what_is_wrong_with_a_text_is_told_in_full_and_nothing_is_kept() -> None:
    sets = Desk().sets
    text = 'permit (principal == Service::"x", action, resource); permit;'
    with pytest.raises(InvalidAppFile) as caught:
        sets.create(text, by="ada", expected=0)
    assert len(caught.value.problems) == 2
    assert sets.latest() == 0


def test_a_stale_write_is_refused() -> None:
    desk = Desk()
    desk.sets.create(ALLOW, by="ada", expected=0)
    with pytest.raises(Conflict):
        desk.sets.update(1, DENY, by="bob", expected=0)
    with pytest.raises(NotFound):
        desk.sets.update(9, DENY, by="bob", expected=1)


def test_activation_and_roll_back_are_releases() -> None:
    sets = Desk().sets
    sets.create(ALLOW, by="ada", expected=0)
    sets.create(DENY, by="ada", expected=1)
    sets.activate(1, by="ada", expected=0)
    sets.activate(2, by="ada", expected=1)
    back = sets.roll_back(by="bob", expected=2)
    assert (back.number, back.policy_set, back.previous, back.kind) == (3, 1, 2, "policies")
    assert sets.active() == 1
    assert sets.roll_back(by="bob", expected=1, to=2).policy_set == 2
    with pytest.raises(Conflict):
        sets.roll_back(by="bob", expected=1, to=2)


def test_there_must_be_something_to_roll_back_to() -> None:
    sets = Desk().sets
    sets.create(ALLOW, by="ada", expected=0)
    sets.activate(1, by="ada", expected=0)
    with pytest.raises(NotFound, match="no policy set was active before 1"):
        sets.roll_back(by="ada", expected=1)


def test_a_version_that_no_longer_fits_the_app_is_not_activated() -> None:
    desk = Desk()
    text = 'permit (principal, action, resource == Service::"axon") when { context.hour < 3 };'
    desk.sets.create(text, by="ada", expected=0)
    axon = SHOP.services["axon"].model_copy(update={"library": False})
    desk.app = SHOP.model_copy(update={"services": {**SHOP.services, "axon": axon}})
    with pytest.raises(InvalidAppFile, match="does not use the library"):
        desk.sets.activate(1, by="ada", expected=0)
    assert desk.sets.active() == 0


def test_every_change_is_audited() -> None:
    desk = Desk()
    desk.sets.create(ALLOW, by="ada", expected=0)
    desk.sets.create(DENY, by="ada", expected=1)
    desk.sets.activate(1, by="bob", expected=0)
    desk.sets.delete(2, by="ada")
    assert [(each.kind, each.policy_set, each.reason) for each in desk.entries] == [
        ("policy-change", 1, "ada created policy set 1 from nothing"),
        ("policy-change", 2, "ada created policy set 2 from nothing"),
        ("policy-change", 1, "bob activated policy set 1 in place of none (release 1)"),
        ("policy-change", 2, "ada deleted policy set 2"),
    ]


def test_a_refused_change_is_not_audited_as_done() -> None:
    desk = Desk()
    desk.sets.create(ALLOW, by="ada", expected=0)
    desk.sets.activate(1, by="ada", expected=0)
    written = len(desk.entries)
    with pytest.raises(Conflict):
        desk.sets.delete(1, by="ada")
    with pytest.raises(NotFound):
        desk.sets.delete(7, by="ada")
    assert len(desk.entries) == written


def test_a_change_of_one_policy_shows_both_texts() -> None:
    changed = difference(ALLOW, ALLOW.replace("permit", "forbid"))
    assert changed.changed == {"a": (ALLOW, ALLOW.replace("permit", "forbid"))}
    assert difference(ALLOW, f"// a comment\n{ALLOW}\n") == difference("", "")


def test_the_policy_folder_is_read_in_order_with_relative_names(tmp_path: Path) -> None:
    app = SHOP.model_copy(update={"policies": "policies"})
    with pytest.raises(InvalidInput, match="does not exist"):
        read_policies(app, tmp_path)
    (tmp_path / "policies" / "more").mkdir(parents=True)
    (tmp_path / "policies" / "b.cedar").write_text(DENY)
    (tmp_path / "policies" / "more" / "a.cedar").write_text("permit (principal, action, resource);")
    (tmp_path / "policies" / "b.test.yaml").write_text("cases: []")
    folder = read_policies(app, tmp_path)
    assert folder is not None
    assert [each.file for each in folder.policies] == ["policies/b.cedar", "policies/more/a.cedar"]
    assert [each.file for each in folder.tests] == ["policies/b.test.yaml"]
    assert '@id("policies/more/a.cedar:1")' in policies_text(app, folder)
    (tmp_path / "policies" / "c.cedar").write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_policies(app, tmp_path)


def test_without_a_folder_the_generated_policies_decide(tmp_path: Path) -> None:
    assert read_policies(SHOP, tmp_path) is None
    assert policies_text(SHOP, None) == generate_policies(SHOP)
