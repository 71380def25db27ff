"""An app file's text becomes a validated App, or every problem that it has.

Called by `fairway.workspace` (which reads files), the tests and the benchmarks. Pure: the text of
other files comes from `read`, the variables from a mapping. Guarantees: any text whatever gives
a LoadedApp or raises InvalidAppFile whose problems all have a place in one of the files read;
one wrong value does not hide the next.

    text ── read_tree ── merge bases ── settle ── shape ── check ── LoadedApp
             places       extends       ${VAR}    types    meaning   (and once more per override)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fairway.errors import InvalidAppFile, Problem
from fairway.model.app import App
from fairway.model.check import Finding, Subject, check_app
from fairway.model.document import Keys
from fairway.model.explain import real_path
from fairway.model.merging import Bases, with_overrides
from fairway.model.places import Findings, Path, Place, nearest
from fairway.model.settle import Settled, settle
from fairway.model.shape import shape

_LEAVES_ALL_THERE = frozenset({"duplicate-key", "yaml-tag"})
"""Problems of reading after which the tree still holds all that was written."""


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """A valid app with the place of everything that stands in its files."""

    app: App
    locations: Mapping[Path, Place]
    warnings: tuple[Problem, ...] = ()

    def place(self, path: Path) -> Place:
        """Where `path` stands; for what is not written (a default), what would hold it."""
        return nearest(self.locations, path)


def load_app(
    name: str, text: str, *, read: Callable[[str], str], variables: Mapping[str, str]
) -> LoadedApp:
    """Load the app file called `name` (as problems shall call it) with the content `text`.

    `read` gives the text of a file that is extended, by its path relative to the app file's
    folder, and raises OSError where there is none. `variables` fill in `${NAME}`. Raises
    InvalidAppFile with all problems at once.
    """
    findings = Findings()
    tree = Bases(name, read, findings).tree(text)
    loaded = None if tree is None else _judge(tree, variables, findings)
    if findings.problems or loaded is None:
        raise InvalidAppFile(findings.problems)
    return loaded


def _judge(tree: Keys, variables: Mapping[str, str], findings: Findings) -> LoadedApp | None:
    """Note what is wrong with the app as declared, then as each environment sees it."""
    # After a syntax error or without a base, parts are missing: what refers to them seems wrong.
    incomplete = any(p.code not in _LEAVES_ALL_THERE for p in findings.problems)
    settled = settle(tree, variables, findings)
    shaped = shape(settled, findings, forgiving=incomplete)
    if shaped.app is None or incomplete:
        return None
    subject = Subject(shaped.app, settled.data, shaped.doubtful)
    _note(check_app(subject), settled, findings)
    for environment in shaped.app.environments:
        _judge_view(tree, environment, variables, findings)
    return LoadedApp(shaped.app, settled.places, findings.warnings)


def _judge_view(
    tree: Keys, environment: str, variables: Mapping[str, str], findings: Findings
) -> None:
    view = with_overrides(tree, environment)
    if view is None:
        return
    settled = settle(view, variables, findings)
    shaped = shape(settled, findings)
    if shaped.app is not None:
        subject = Subject(shaped.app, settled.data, shaped.doubtful, environment)
        seen = Findings()
        _note(check_app(subject), settled, seen)
        findings.add_view(seen, environment)


def _note(found: Iterable[Finding], settled: Settled, findings: Findings) -> None:
    for finding in found:
        path = real_path(settled.data, finding.path)
        place = settled.key_place(path) if finding.at_key else settled.place(path)
        note = findings.warn if finding.warning else findings.error
        note(place, finding.code, finding.message, finding.remedy)
