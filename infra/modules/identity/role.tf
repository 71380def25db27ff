data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  root      = "arn:${local.partition}:iam::${local.account}:root"

  # The key's policy names the role, and the role's policy names the key: the former by what its ARN will be.
  role_name = "${var.name}-${var.region}"
  role_arn  = "arn:${local.partition}:iam::${local.account}:role/${local.role_name}"
  this_key  = ["arn:${local.partition}:kms:*:${local.account}:key/*"]
}

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

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "Sign"
    actions   = ["kms:GetPublicKey", "kms:Sign"]
    resources = [aws_kms_key.this.arn]
  }

  statement {
    sid       = "ReadAuthority"
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${var.authority.bucket}/${var.authority.object}"]
  }

  statement {
    sid       = "DecryptAuthority"
    actions   = ["kms:Decrypt"]
    resources = [var.authority.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "DecryptEnvironment"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["lambda.${var.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:log-stream:*"]
  }

  dynamic "statement" {
    for_each = var.dead_letter_arn[*]

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
      [for id in var.vpc.subnet_ids : "arn:${local.partition}:ec2:${var.region}:${local.account}:subnet/${id}"],
      [for id in var.vpc.security_group_ids : "arn:${local.partition}:ec2:${var.region}:${local.account}:security-group/${id}"],
    )
  }
}

resource "aws_iam_role" "this" {
  name                 = local.role_name
  description          = "The function that signs the certificates of the mesh ${var.trust_domain}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn

  tags = merge(var.tags, { Name = local.role_name })
}

resource "aws_iam_role_policy" "this" {
  name   = "identity"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}
