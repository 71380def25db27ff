"""What is stored, asked through the same methods as a running control plane's."""

import pytest

from fairway.control.recorded import AuditQuery, Question
from fairway.control.records import LocalRecords
from fairway.errors import Conflict, InvalidAppFile, NotFound, Unavailable
from fairway.model.load import load_app
from fairway.targets.local.layout import open_state

APP = """
app: shop
services:
  orbit:
    run: orbit
    library: true
    health: /health
    calls: {axon: [reason]}
  axon:
    run: axon
    library: true
    health: /health
    intents: {reason: POST /reason}
    secrets: [MODEL_KEY]
"""
PERMIT = '@id("may") permit (principal, action == Action::"reason", resource);'
FORBID = '@id("no") forbid (principal, action, resource);'
ASK = Question("Service", "orbit", "axon", "reason")


@pytest.fixture
def app():
    return load_app("fairway.yaml", APP, read=lambda _: "", variables={}).app


@pytest.fixture
def state(tmp_path):
    return open_state(tmp_path, stamp="now").state


@pytest.fixture
def records(app, state):
    records = LocalRecords(app, state)
    records.settle_policies()
    yield records
    records.close()


async def test_an_app_without_policies_permits_what_it_declares(records):
    assert (await records.decide(ASK)).allowed
    other = Question("Service", "axon", "orbit", "reason")
    assert not (await records.decide(other)).allowed


async def test_settling_again_makes_no_new_version(records):
    records.settle_policies()
    assert [one.version for one in await records.policy_sets()] == [1]


async def test_a_set_activated_by_hand_survives_the_next_start(records, app, state):
    made = await records.create_policy_set(FORBID, author="ann")
    await records.activate_policy_set(made.version, author="ann")
    again = LocalRecords(app, state)
    assert again.settle_policies().version == made.version
    again.close()


async def test_an_activation_is_a_release_and_can_be_rolled_back(records):
    made = await records.create_policy_set(FORBID, author="ann", description="stop")
    activation = await records.activate_policy_set(made.version, author="ann", expected=1)
    assert (activation.version, activation.previous, activation.release) == (2, 1, "r1")
    assert not (await records.decide(ASK)).allowed
    back = await records.roll_back_policies(author="ann")
    assert (back.version, back.release) == (1, "r2")
    assert (await records.decide(ASK)).allowed
    assert [each.number for each in await records.releases()] == [2, 1]


async def test_a_stale_write_is_refused(records):
    await records.create_policy_set(FORBID, author="ann", expected=1)
    with pytest.raises(Conflict):
        await records.create_policy_set(PERMIT, author="bob", expected=1)
    with pytest.raises(Conflict):
        await records.activate_policy_set(2, author="bob", expected=2)


async def test_wrong_policies_are_refused_with_their_place(records):
    with pytest.raises(InvalidAppFile) as caught:
        await records.create_policy_set('permit (principal == Service::"orbti"', author="ann")
    assert caught.value.problems[0].line == 1


async def test_an_update_makes_a_new_version(records):
    updated = await records.update_policy_set(1, PERMIT, author="ann")
    assert updated.version == 2
    diff = await records.diff_policy_sets(1, 2)
    assert (diff.added, diff.removed) == (("may",), ("orbit-may-reason-axon",))
    assert "+@id" in diff.text
    await records.delete_policy_set(2, author="ann")
    with pytest.raises(NotFound):
        await records.policy_set(2)
    with pytest.raises(Conflict):
        await records.delete_policy_set(1, author="ann")


async def test_what_happened_is_in_the_audit_log_and_its_chain_holds(records):
    await records.decide(ASK)
    records.anchor()
    entries = await records.audit(AuditQuery(service="axon"))
    assert [(e.caller, e.intent, e.verdict) for e in entries] == [
        ("Service::orbit", "reason", "allow")
    ]
    (report,) = await records.verify_audit()
    assert report.whole
    assert report.entries == 3


async def test_a_cut_audit_log_is_noticed(records, state):
    await records.decide(ASK)
    records.anchor()
    log = state.audit / "control.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    (report,) = await records.verify_audit()
    assert not report.whole
    assert "cut" in report.problem


async def test_secrets_have_versions_and_no_values(records):
    assert (await records.secrets())[0].version == 0
    with pytest.raises(Conflict):
        await records.rotate_secret("MODEL_KEY")
    await records.set_secret("MODEL_KEY", "hunter2")
    rotated = await records.rotate_secret("MODEL_KEY")
    assert (rotated.version, rotated.services) == (2, ("axon",))
    assert "hunter2" not in repr(await records.secrets())
    with pytest.raises(NotFound, match="MODEL_KEI"):
        await records.set_secret("MODEL_KEI", "x")


async def test_signing_keys_rotate_while_nothing_runs(records, state):
    assert await records.rotate_signing_keys("orbit") == ("orbit",)
    assert b"orbit.2" in (state.identity("orbit") / "signing.json").read_bytes()


async def test_a_set_that_does_not_take_effect_is_not_left_active(records):
    class Stubborn(LocalRecords):
        refused = 0

        async def _policies_changed(self):
            self.refused += 1
            if self.refused == 1:
                raise Unavailable("mesh-down", "the mesh does not answer")

    stubborn = Stubborn(records.app, records.state)
    made = await stubborn.create_policy_set(FORBID, author="ann")
    with pytest.raises(Unavailable):
        await stubborn.activate_policy_set(made.version, author="ann")
    assert (await stubborn.decide(ASK)).allowed
    assert [each.policy_set for each in await stubborn.releases()] == [1, 2]
    stubborn.close()


async def test_the_secrets_of_listeners_are_kept_like_those_of_services(state):
    declared = f"""{APP}
environments:
  local:
    notify:
      - {{webhook: "http://127.0.0.1:1/hook", secret: HOOK_KEY}}
      - {{slack: OPS_CHANNEL}}
"""
    app = load_app("fairway.yaml", declared, read=lambda _: "", variables={}).app
    records = LocalRecords(app, state)
    status = await records.set_secret("HOOK_KEY", "shared")
    assert (status.name, status.services, status.version) == ("HOOK_KEY", ("notify",), 1)
    names = [each.name for each in await records.secrets()]
    assert names == ["HOOK_KEY", "MODEL_KEY", "OPS_CHANNEL"]
    records.close()
