# Roles, by which a deployment could give itself everything. It makes roles by the environment's names only, and each
# has one of the environment's boundaries, which are not its to change: what it gives a role beyond that is worth
# nothing. It gives roles to the services of AWS that need them, and never touches its own.

locals {
  # Exactly these: a service may well be called ci-runner. Names of more than IAM's 64 characters end with a
  # digest.
  own_names = concat(
    [for who in ["plan", "deploy"] : "${var.name}-ci-${who}"],
    flatten([
      for region in var.regions : [
        for thing in ["task", "execution", "flow-logs", "monitoring"] : "${var.name}-server-${thing}-${region}"
      ]
    ]),
  )
  own_role_names = [
    for name in local.own_names :
    length(name) <= 64 ? name : format("%s-%s", replace(substr(name, 0, 57), "/-+$/", ""), substr(sha256(name), 0, 6))
  ]
  own_roles = [for name in concat(local.own_role_names, var.operators) : "${local.iam}:role/${name}"]

  access = {
    MakeRoles = {
      global = true
      actions = [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
        "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies", "iam:ListRoleTags", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
        "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
      ]
      resources = ["${local.iam}:role/${var.name}-*"]
    }
    # Of a role that is made, or whose boundary is set, it is the boundary that is asked for; else that which it has. A
    # role without one can be given nothing.
    OnlyWithinABoundary = {
      global    = true
      effect    = "Deny"
      actions   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
      resources = ["*"]
      when = {
        "iam:PermissionsBoundary" = {
          test   = "StringNotEquals"
          values = [for name in keys(local.boundaries) : "${local.iam}:policy/${var.name}-${name}"]
        }
      }
    }
    # The boundaries are policies, and so is what a deployment may do: it makes and changes none.
    PoliciesStay = {
      global = true
      effect = "Deny"
      actions = [
        "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
        "iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion",
      ]
      resources = ["*"]
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
        "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      ]
      resources = local.own_roles
    }
    NobodyElsesRole = {
      global    = true
      effect    = "Deny"
      actions   = ["sts:AssumeRole"]
      resources = ["*"]
    }
  }
}
