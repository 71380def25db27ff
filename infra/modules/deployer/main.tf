# What a deployment may do, as managed policies by area: the statements are in the files that are called like the areas.
# What the roles may do that it makes is in boundaries.tf.
# Three things keep them to one environment: names that begin with its own, the tag `fairway` that its root gives to all
# that it makes, and its regions. What AWS lets nobody name is read only.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # arn:aws:<service>:<any region>:<account>; the condition on regions says which.
  arn = {
    for service in [
      "acm", "application-autoscaling", "backup", "cloudwatch", "dynamodb", "ec2", "ecr", "ecs", "elasticache",
      "elasticloadbalancing", "events", "firehose", "kms", "lambda", "logs", "rds", "rds-db", "secretsmanager",
      "servicediscovery", "sns", "sqs", "ssm", "wafv2",
    ] : service => "arn:${local.partition}:${service}:*:${local.account}"
  }
  iam        = "arn:${local.partition}:iam::${local.account}"
  cloudfront = "arn:${local.partition}:cloudfront::${local.account}"
  route53    = "arn:${local.partition}:route53::"

  # Load balancers and target groups have 32 characters: a digest replaces the end of what is longer.
  short = trimsuffix(substr(var.name, 0, 25), "-")

  # The tag that is asked for is the environment's own: nothing of another one may be given it and be taken over.
  not_of_another = { "aws:ResourceTag/fairway" = { test = "StringEqualsIfExists", values = [var.name] } }

  areas = {
    access   = local.access
    backups  = local.backups
    compute  = local.compute
    data     = local.data
    edge     = local.edge
    events   = local.events
    network  = local.network
    storage  = local.storage
    watching = local.watching
  }

  # Regions limit requests of a deployment; what it makes works where it was made, and is named.
  documents = merge(
    { for area, statements in local.areas : "deploy-${area}" => { statements = statements, regions = [var.regions] } },
    { for name, statements in local.boundaries : name => { statements = statements, regions = [] } },
  )
}

data "aws_iam_policy_document" "this" {
  for_each = local.documents

  dynamic "statement" {
    for_each = each.value.statements

    content {
      sid       = statement.key
      effect    = try(statement.value.effect, "Allow")
      actions   = statement.value.actions
      resources = statement.value.resources

      # What is global answers in us-east-1, wherever the environment is.
      dynamic "condition" {
        for_each = try(statement.value.global, false) ? [] : each.value.regions

        content {
          test     = "StringEquals"
          variable = "aws:RequestedRegion"
          values   = condition.value
        }
      }

      dynamic "condition" {
        for_each = try(statement.value.tagged, null)[*]

        content {
          test     = "StringEquals"
          variable = condition.value == "new" ? "aws:RequestTag/fairway" : "aws:ResourceTag/fairway"
          values   = [var.name]
        }
      }

      dynamic "condition" {
        for_each = try(statement.value.when, {})

        content {
          test     = condition.value.test
          variable = condition.key
          values   = condition.value.values
        }
      }
    }
  }
}

resource "aws_iam_policy" "this" {
  for_each = local.documents

  name = "${var.name}-${each.key}"
  description = (
    startswith(each.key, "deploy-") ? "What a deployment of ${var.name} may do: ${trimprefix(each.key, "deploy-")}"
    : "The most that a role which a deployment of ${var.name} makes may do"
  )
  policy = data.aws_iam_policy_document.this[each.key].json

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })

  lifecycle {
    precondition {
      condition     = length(replace(data.aws_iam_policy_document.this[each.key].minified_json, " ", "")) <= 6144
      error_message = "A managed policy has 6144 characters at most: divide ${each.key}."
    }
  }
}
