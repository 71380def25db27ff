"""What the mesh may let in, the generated policies and the bundle, all from the app."""

from __future__ import annotations

from tests.unit.governance.governance_samples import SHOP

from fairway.governance.access import compile_access
from fairway.governance.bundle import build_bundle
from fairway.governance.generate import generate_policies
from fairway.governance.schema import cedar_schema
from fairway_runtime.intents import IntentRoute
from fairway_runtime.policy.bundle import PolicyBundle
from fairway_runtime.policy.engine import PolicyEngine, Principal


def test_without_policies_exactly_the_declared_calls_get_in() -> None:
    table = compile_access(SHOP, None)
    assert table.allowed == {
        ("axon", "reason"): {"orbit"},
        ("axon", "item"): {"orbit"},
        ("orbit", "dispatch"): {"web", "gateway"},
        ("files", "item"): {"web"},
    }
    assert table.conditional == ()
    assert table.principals("orbit", "admin") == frozenset()
    assert table.principals("nowhere", "x") == frozenset()


def test_generated_policies_allow_each_declared_call_by_its_own_id() -> None:
    engine = PolicyEngine.from_bundle(build_bundle(SHOP, "local", 1, generate_policies(SHOP)))
    web, public = Principal("Client", "web"), Principal("Gateway", "public")
    assert engine.decide(web, "files", "item", {}).policies == ("client-web-may-item-files",)
    assert engine.decide(public, "orbit", "dispatch", {}).allowed
    assert not engine.decide(public, "orbit", "admin", {}).allowed


def test_no_policies_let_nobody_in() -> None:
    assert compile_access(SHOP, "").allowed == {}


def test_permits_open_no_undeclared_call() -> None:
    table = compile_access(SHOP, "permit (principal, action, resource);")
    assert table.allowed == compile_access(SHOP, None).allowed


def test_an_unconditional_forbid_closes_even_a_conditional_permit() -> None:
    text = """
    @id("day") permit (principal, action, resource == Service::"axon") when { context.hour < 18 };
    forbid (principal, action == Action::"item", resource);
    """
    table = compile_access(SHOP, text)
    assert table.allowed == {("axon", "reason"): {"orbit"}}
    assert table.conditional == (("axon", "reason", ("day",)),)


def test_a_conditional_forbid_leaves_the_decision_to_the_library() -> None:
    text = """
    permit (principal, action, resource);
    @id("night") forbid (principal, action, resource == Service::"axon") when { context.hour > 20 };
    """
    table = compile_access(SHOP, text)
    assert table.principals("axon", "reason") == {"orbit"}
    assert ("axon", "reason", ("night",)) in table.conditional


def test_conditions_on_names_alone_are_decided_by_the_mesh() -> None:
    text = "permit (principal, action, resource) unless { principal is Client };"
    table = compile_access(SHOP, text)
    assert table.principals("orbit", "dispatch") == {"gateway"}
    assert table.conditional == ()


def test_the_bundle_tells_a_replica_all_it_needs() -> None:
    bundle = build_bundle(SHOP, "local", 7, "")
    assert (bundle.version, bundle.app, bundle.environment) == (7, "shop", "local")
    axon = bundle.services["axon"]
    assert axon.intents["item"] == IntentRoute("item", "GET", "/items/{id}")
    assert (axon.health, axon.library) == ("/health", True)
    assert bundle.services["orbit"].opens("/api/x")
    assert bundle.declares("Client", "web", "files", "item")
    assert not bundle.declares("Client", "web", "axon", "item")
    assert bundle.declares("Gateway", "public", "orbit", "dispatch")
    assert not bundle.declares("Gateway", "public", "orbit", "admin")
    assert PolicyBundle.from_json(bundle.to_json()) == bundle
    assert bundle.digest == build_bundle(SHOP, "local", 7, "").digest


def test_the_schema_names_what_exists() -> None:
    schema = cedar_schema(SHOP)
    assert 'entity Service enum ["axon", "files", "orbit"];' in schema
    assert 'action "admin", "dispatch", "item", "reason" appliesTo {' in schema
    assert "signed: Bool" in schema
