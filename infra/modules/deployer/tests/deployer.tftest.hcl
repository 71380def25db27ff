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
      for area in concat(values(local.areas), values(local.boundaries)) : [
        for statement in values(area) : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z0-9]+$", action))]
        if try(statement.effect, "Allow") == "Allow"
      ]
    ]))
    error_message = "An action is not written out."
  }

  assert {
    condition     = length(output.policy_arns) <= 10
    error_message = "A role takes ten managed policies."
  }
}

run "roles_are_within_a_boundary" {
  command = plan

  assert {
    condition     = toset([for name in keys(output.boundary_arns) : aws_iam_policy.this[name].name]) == toset(["shop-prod-boundary", "shop-prod-boundary-backup"])
    error_message = "Roles of regions have boundaries that nobody makes."
  }

  assert {
    condition = local.access.OnlyWithinABoundary.effect == "Deny" && toset(local.access.OnlyWithinABoundary.when["iam:PermissionsBoundary"].values) == toset([
      "arn:aws:iam::123456789012:policy/shop-prod-boundary",
      "arn:aws:iam::123456789012:policy/shop-prod-boundary-backup",
    ])
    error_message = "Roles could be made without a boundary of the environment."
  }

  assert {
    condition     = contains(local.access.NotItsOwnRoles.resources, "arn:aws:iam::123456789012:role/shop-prod-server-task-eu-central-1")
    error_message = "The server could change its own role."
  }

  assert {
    condition = alltrue(flatten([
      for boundary in values(local.boundaries) : [
        for statement in values(boundary) : [for action in statement.actions : !startswith(action, "iam:") && !startswith(action, "sts:")]
      ]
    ]))
    error_message = "A role within the boundary could make roles."
  }
}

run "whoever_deploys_from_elsewhere_is_not_changed_either" {
  command = plan

  variables {
    operators = ["deployers/shop-prod-ada"]
  }

  assert {
    condition     = contains(local.access.NotItsOwnRoles.resources, "arn:aws:iam::123456789012:role/deployers/shop-prod-ada")
    error_message = "A deployment could change or hand on the role by which it came."
  }
}

run "the_longest_names_are_within_the_limits_of_iam" {
  command = plan

  variables {
    name    = "a-rather-long-app-in-production1"
    regions = ["ap-southeast-1", "ap-northeast-1", "eu-central-1"]
  }

  assert {
    condition     = alltrue([for arn in local.own_roles : length(split("/", arn)[1]) <= 64])
    error_message = "A role of the control plane has another name than the one that is protected."
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
