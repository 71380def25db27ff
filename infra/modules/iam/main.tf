# Two roles for the tasks of one service: what ECS needs to start them, and what their programs may do. Both have one
# boundary, the given one or one of exactly this: whoever adds a policy to one of the roles adds nothing beyond it.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # 64 characters at most; where a digest replaces the end, two long names stay two.
  long_names = { for thing in ["task", "execution", "boundary"] : thing => "${var.name}-${thing}-${var.region}" }
  made_names = {
    for thing, name in local.long_names : thing => (
      length(name) <= 64 ? name : format("%s-%s", replace(substr(name, 0, 57), "/-+$/", ""), substr(sha256(name), 0, 6))
    )
  }
  boundary_arn = coalesce(var.boundary_arn, one(aws_iam_policy.boundary[*].arn))

  names = var.role_names == null ? local.made_names : { for thing, name in var.role_names : thing => name }

  # ARNs as they will be, for policies of keys and secrets: these name the roles, and the roles name them.
  principals = {
    for thing in ["task", "execution"] : thing => "arn:${local.partition}:iam::${local.account}:role/${local.names[thing]}"
  }
}

# ECS alone, for tasks of this account and region alone.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "TasksOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:ecs:${var.region}:${local.account}:*"]
    }
  }
}

data "aws_iam_policy_document" "boundary" {
  source_policy_documents = [
    data.aws_iam_policy_document.execution.json,
    data.aws_iam_policy_document.task.json,
  ]
}

resource "aws_iam_policy" "boundary" {
  count = var.boundary_arn == null ? 1 : 0

  name        = local.names.boundary
  description = "The most that the roles of ${var.name} may ever do"
  policy      = data.aws_iam_policy_document.boundary.json

  tags = merge(var.tags, { Name = local.names.boundary })
}

resource "aws_iam_role" "execution" {
  name                 = local.names.execution
  description          = "ECS, when it starts tasks of ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = local.boundary_arn

  tags = merge(var.tags, { Name = local.names.execution })
}

resource "aws_iam_role_policy" "execution" {
  name   = "execution"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

resource "aws_iam_role" "task" {
  name                 = local.names.task
  description          = "The programs in tasks of ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = length(var.managed_policy_arns) == 0 ? local.boundary_arn : null

  tags = merge(var.tags, { Name = local.names.task })
}

resource "aws_iam_role_policy" "task" {
  count = length(var.statements) > 0 || var.execute_command != null ? 1 : 0

  name   = "task"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each = var.managed_policy_arns

  role       = aws_iam_role.task.name
  policy_arn = each.value
}
