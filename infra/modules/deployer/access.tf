# Roles, by which a deployment could give itself everything. It makes roles by the environment's names only. Those of
# services have a boundary of the environment; those without one are listed, since AWS itself or code that Fairway comes
# with takes them. It gives roles to the services of AWS that need them, and never touches its own.

locals {
  own_roles    = ["${local.iam}:role/${var.name}-ci-*", "${local.iam}:role/${var.name}-server-*"]
  own_policies = ["${local.iam}:policy/${var.name}-deploy-*", "${local.iam}:policy/${var.name}-server-*"]

  unbounded = flatten([
    for region in var.regions : [
      for thing in ["*-monitoring", "backup", "flow-logs", "governance", "identity", "log-delivery", "log-subscription"] :
      "${local.iam}:role/${var.name}-${thing}-${region}"
    ]
  ])

  access = {
    MakeRolesWithinABoundary = {
      global    = true
      actions   = ["iam:CreateRole", "iam:PutRolePermissionsBoundary"]
      resources = ["${local.iam}:role/${var.name}-*"]
      when = {
        "iam:PermissionsBoundary" = { test = "ArnLike", values = ["${local.iam}:policy/${var.name}-*-boundary-*"] }
      }
    }
    MakeRolesOfTheRoot = {
      global    = true
      actions   = ["iam:CreateRole"]
      resources = local.unbounded
    }
    ManageRoles = {
      global = true
      actions = [
        "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole",
        "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies",
        "iam:ListRoleTags", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole", "iam:UpdateRoleDescription",
      ]
      resources = ["${local.iam}:role/${var.name}-*"]
    }
    ManageBoundaries = {
      global = true
      actions = [
        "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:GetPolicy",
        "iam:GetPolicyVersion", "iam:ListEntitiesForPolicy", "iam:ListPolicyTags", "iam:ListPolicyVersions",
        "iam:TagPolicy", "iam:UntagPolicy",
      ]
      resources = ["${local.iam}:policy/${var.name}-*"]
    }
    ReadPoliciesOfAws = {
      global    = true
      actions   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
      resources = ["arn:${local.partition}:iam::aws:policy/*"]
    }
    GiveRolesToServicesOfAws = {
      global    = true
      actions   = ["iam:PassRole"]
      resources = ["${local.iam}:role/${var.name}-*"]
      when      = { "iam:PassedToService" = { test = "StringEquals", values = var.passed_to_services } }
    }
    LetServicesOfAwsHaveTheirRoles = {
      global    = true
      actions   = ["iam:CreateServiceLinkedRole"]
      resources = ["${local.iam}:role/aws-service-role/*"]
      when      = { "iam:AWSServiceName" = { test = "StringEquals", values = var.service_linked } }
    }
    NotItsOwnRoles = {
      global = true
      effect = "Deny"
      actions = [
        "iam:AttachRolePolicy", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PassRole",
        "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy",
      ]
      resources = local.own_roles
    }
    NotItsOwnPolicies = {
      global    = true
      effect    = "Deny"
      actions   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion"]
      resources = local.own_policies
    }
    BoundariesStay = {
      global    = true
      effect    = "Deny"
      actions   = ["iam:DeleteRolePermissionsBoundary"]
      resources = ["*"]
    }
    NobodyElsesRole = {
      global    = true
      effect    = "Deny"
      actions   = ["sts:AssumeRole"]
      resources = ["*"]
    }
  }
}
