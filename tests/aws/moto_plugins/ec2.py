"""EC2: rules of security groups keep the description that stands with a group or a prefix list.

Added: Description of UserIdGroupPairs and PrefixListIds; moto keeps only that of address ranges.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule as Rule


def install() -> None:
    begin, of_range = Rule.__init__, Rule.description

    def __init__(self: Rule, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        given = signature(begin).bind(self, *args, **kwargs).arguments
        lists = (self.source_group, given.get("prefix_list_id") or {})
        self.said = next((each["Description"] for each in lists if "Description" in each), None)
        self.source_group = {k: v for k, v in self.source_group.items() if k != "Description"}

    Rule.__init__ = __init__
    Rule.description = property(lambda self: of_range.fget(self) or self.said)
