# Reading settings is what a plan is for; reading what the app's users stored is not.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadTheState"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${var.state.bucket_arn}/*"]
  }

  statement {
    sid       = "LockTheState"
    actions   = ["s3:DeleteObject", "s3:PutObject"]
    resources = ["${var.state.bucket_arn}/*.tflock"]
  }

  statement {
    sid       = "DecryptTheState"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.state.kms_key_arn]
  }

  statement {
    sid           = "NoObjectsButTheState"
    effect        = "Deny"
    actions       = ["s3:GetObject", "s3:GetObjectVersion"]
    not_resources = ["${var.state.bucket_arn}/*"]
  }

  statement {
    sid    = "NoItemsButFairways"
    effect = "Deny"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:GetItem",
      "dynamodb:GetRecords",
      "dynamodb:PartiQLSelect",
      "dynamodb:Query",
      "dynamodb:Scan",
    ]
    not_resources = var.state.table_arns
  }

  statement {
    sid    = "NoMessagesAndNoLogs"
    effect = "Deny"
    actions = [
      "logs:FilterLogEvents",
      "logs:GetLogEvents",
      "logs:GetQueryResults",
      "logs:StartLiveTail",
      "logs:StartQuery",
      "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }
}

# A deployment makes the roles of services. It makes none that can do more than their boundary, and
# does not touch the roles by which it came.
data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "MakeRolesWithinTheBoundary"
    actions   = ["iam:CreateRole", "iam:PutRolePermissionsBoundary"]
    resources = ["${local.iam}:role/${var.name}-*"]

    dynamic "condition" {
      for_each = length(var.boundary_arns) == 0 ? [] : [1]

      content {
        test     = "ArnLike"
        variable = "iam:PermissionsBoundary"
        values   = var.boundary_arns
      }
    }
  }

  statement {
    sid = "ManageRoles"
    actions = [
      "iam:AttachRolePolicy",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListRolePolicies",
      "iam:ListRoleTags",
      "iam:PutRolePolicy",
      "iam:TagRole",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
      "iam:UpdateRoleDescription",
    ]
    resources = ["${local.iam}:role/${var.name}-*"]
  }

  statement {
    sid = "ManagePolicies"
    actions = [
      "iam:CreatePolicy",
      "iam:CreatePolicyVersion",
      "iam:DeletePolicy",
      "iam:DeletePolicyVersion",
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
      "iam:ListEntitiesForPolicy",
      "iam:ListPolicyTags",
      "iam:ListPolicyVersions",
      "iam:TagPolicy",
      "iam:UntagPolicy",
    ]
    resources = ["${local.iam}:policy/${var.name}-*"]
  }

  statement {
    sid       = "GiveRolesToServicesOfAws"
    actions   = ["iam:PassRole"]
    resources = ["${local.iam}:role/${var.name}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = var.passed_to_services
    }
  }

  statement {
    sid    = "NotItsOwnRoles"
    effect = "Deny"
    actions = [
      "iam:AttachRolePolicy",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:DetachRolePolicy",
      "iam:PassRole",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
      "iam:UpdateAssumeRolePolicy",
    ]
    resources = ["${local.iam}:role/${var.name}-ci-*"]
  }

  statement {
    sid       = "BoundariesStay"
    effect    = "Deny"
    actions   = ["iam:DeleteRolePermissionsBoundary"]
    resources = ["*"]
  }

  statement {
    sid    = "TheStateStays"
    effect = "Deny"
    actions = [
      "s3:DeleteBucket",
      "s3:DeleteBucketPolicy",
      "s3:DeleteObjectVersion",
      "s3:PutBucketPolicy",
      "s3:PutBucketVersioning",
    ]
    resources = [var.state.bucket_arn, "${var.state.bucket_arn}/*"]
  }
}
