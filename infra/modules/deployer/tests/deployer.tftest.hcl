mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}", minified_json = "{}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name    = "shop-prod"
  regions = ["eu-central-1"]
}

run "no_action_is_a_wildcard" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for area in values(local.areas) : [
        for statement in values(area) : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))]
      ]
    ]))
    error_message = "An action is not written out."
  }

  assert {
    condition     = length(aws_iam_policy.this) <= 10
    error_message = "A role takes ten managed policies."
  }
}

run "roles_are_within_a_boundary_or_listed" {
  command = plan

  assert {
    condition     = local.access.MakeRolesWithinABoundary.when["iam:PermissionsBoundary"].values == ["arn:aws:iam::123456789012:policy/shop-prod-*-boundary-*"]
    error_message = "Roles could be made without a boundary of the environment."
  }

  assert {
    condition     = alltrue([for role in local.access.MakeRolesOfTheRoot.resources : endswith(role, "-eu-central-1")])
    error_message = "A role without a boundary is not one of the root's."
  }

  assert {
    condition     = contains(local.access.NotItsOwnRoles.resources, "arn:aws:iam::123456789012:role/shop-prod-server-*")
    error_message = "The server could change its own role."
  }
}

run "everything_is_only_for_what_cannot_be_named" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for area in values(local.areas) : [
        for statement in values(area) : [
          for action in statement.actions :
          try(statement.effect, "Allow") == "Deny" || try(statement.tagged, null) != null || contains([
            "Describe", "Get", "List", "MountCapsule", "DeregisterTaskDefinition", "CreateHealthCheck", "CreateHostedZone",
            "AllowVendedLogDeliveryForResource", "CreateDelivery", "CreateLogDelivery", "DeleteDelivery",
            "DeleteDeliveryDestination", "DeleteDeliverySource", "DeleteLogDelivery", "PutDeliveryDestination",
            "PutDeliverySource", "UpdateLogDelivery", "DeleteQueryDefinition", "PutQueryDefinition", "PutResourcePolicy",
          ], try(regex("^(?:Describe|Get|List)", split(":", action)[1]), split(":", action)[1]))
        ] if contains(statement.resources, "*")
      ]
    ]))
    error_message = "Something is allowed for everything that could be named."
  }
}
