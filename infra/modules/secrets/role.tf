# Without a condition: Lambda sends none that AWS documents, and takes a role for functions of the role's account alone.
data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "Functions"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "rotation" {
  for_each = local.functions

  statement {
    sid       = "RenewSecrets"
    resources = [for name in keys(local.rotated) : aws_secretsmanager_secret.this[name].arn]
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "ReadOwnVariables"
    actions   = ["kms:Decrypt"]
    resources = [each.value.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["lambda.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.rotation[each.key].arn}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = each.value.dead_letter_arn[*]

    content {
      sid       = "KeepFailures"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }

  # X-Ray and the network interfaces of a function in a VPC know no resource that could be named beforehand.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
  statement {
    sid       = "SendTraces"
    actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    resources = ["*"]
  }

  statement {
    sid       = "DescribeInterfaces"
    actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  # Lambda asks for this without naming a kind: it refuses a role that has it for network-interface/* alone.
  statement {
    sid       = "LeaveNetwork"
    actions   = ["ec2:DeleteNetworkInterface"]
    resources = ["arn:${local.partition}:ec2:${var.region}:${local.account}:*/*"]
  }

  statement {
    sid = "JoinNetwork"
    actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:UnassignPrivateIpAddresses",
    ]
    resources = concat(
      ["arn:${local.partition}:ec2:${var.region}:${local.account}:network-interface/*"],
      [for id in each.value.subnet_ids : "arn:${local.partition}:ec2:${var.region}:${local.account}:subnet/${id}"],
      [for id in each.value.security_group_ids : "arn:${local.partition}:ec2:${var.region}:${local.account}:security-group/${id}"],
    )
  }
}

resource "aws_iam_role" "rotation" {
  for_each = local.functions

  name                 = local.role_name
  description          = "The function that renews secrets of ${var.name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn

  tags = merge(var.tags, { Name = local.role_name })
}

resource "aws_iam_role_policy" "rotation" {
  for_each = local.functions

  name   = "rotation"
  role   = aws_iam_role.rotation[each.key].id
  policy = data.aws_iam_policy_document.rotation[each.key].json
}
