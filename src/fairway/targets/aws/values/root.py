"""The values of one root module, as data and as files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.targets.aws.values.hcl import Assign, bare, tfvars
from fairway.targets.aws.values.place import Place


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one root, by file (`services.auto.tfvars`); `title` stands on top of each."""

    title: str
    files: Mapping[str, tuple[Assign, ...]]

    def texts(self) -> dict[str, str]:
        """The files as Terraform reads them."""
        return {name: tfvars(self.title, assigns) for name, assigns in self.files.items()}

    def plain(self) -> dict[str, object]:
        """All variables with their values, without comments."""
        return {each.name: bare(each.value) for file in self.files.values() for each in file}


def title(place: Place, where: str) -> str:
    """The comment at the top of a file of values."""
    environment = f"{place.app.app}, environment {place.standing.environment}"
    return f"{environment}, {where}\nComputed by Fairway from the app file: change that, not this."
