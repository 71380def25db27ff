# Logs, metrics, alarms and dashboards.

locals {
  watching = {
    Look = {
      actions = [
        "cloudwatch:GetMetricData", "logs:DescribeDeliveries", "logs:DescribeDeliveryDestinations",
        "logs:DescribeDeliverySources", "logs:DescribeLogGroups", "logs:DescribeQueryDefinitions",
        "logs:DescribeResourcePolicies", "logs:ListLogDeliveries",
      ]
      resources = ["*"] # these know no resource
    }
    KeepLogs = {
      global = true # a site's are in us-east-1
      actions = [
        "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DeleteLogGroup",
        "logs:DeleteLogStream", "logs:DeleteMetricFilter", "logs:DeleteRetentionPolicy",
        "logs:DeleteSubscriptionFilter", "logs:DescribeLogStreams", "logs:DescribeMetricFilters",
        "logs:DescribeSubscriptionFilters", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:ListTagsForResource",
        "logs:PutMetricFilter", "logs:PutRetentionPolicy", "logs:PutSubscriptionFilter", "logs:TagResource",
        "logs:UntagResource",
      ]
      resources = [
        for group in [
          "/fairway/${var.name}*", "/${var.name}/*", "/aws/lambda/${var.name}-*", "/aws/rds/instance/${var.name}-*",
          "/aws/ecs/containerinsights/${var.name}/*", "/aws/elasticache/${var.name}-*", "aws-waf-logs-${var.name}*",
        ] : "${local.arn.logs}:log-group:${group}"
      ]
    }
    # A firewall and a site have their logs delivered, which they set up themselves; queries have no ARN.
    DeliverLogs = {
      global = true
      actions = [
        "cloudfront:AllowVendedLogDeliveryForResource", "logs:CreateDelivery", "logs:CreateLogDelivery",
        "logs:DeleteDelivery", "logs:DeleteDeliveryDestination", "logs:DeleteDeliverySource",
        "logs:DeleteLogDelivery", "logs:GetDelivery", "logs:GetDeliveryDestination", "logs:GetDeliverySource",
        "logs:GetLogDelivery", "logs:PutDeliveryDestination", "logs:PutDeliverySource", "logs:UpdateLogDelivery",
        "logs:DeleteQueryDefinition", "logs:PutQueryDefinition", "logs:PutResourcePolicy",
      ]
      resources = ["*"]
    }
    Warn = {
      actions = [
        "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource",
        "cloudwatch:PutCompositeAlarm", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource",
        "cloudwatch:UntagResource",
      ]
      resources = ["${local.arn.cloudwatch}:alarm:*"]
    }
    Draw = {
      actions   = ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"]
      resources = ["arn:${local.partition}:cloudwatch::${local.account}:dashboard/${var.name}*"]
    }
    Archive = {
      actions = [
        "firehose:CreateDeliveryStream", "firehose:DeleteDeliveryStream", "firehose:DescribeDeliveryStream",
        "firehose:ListTagsForDeliveryStream", "firehose:StartDeliveryStreamEncryption",
        "firehose:StopDeliveryStreamEncryption", "firehose:TagDeliveryStream", "firehose:UntagDeliveryStream",
        "firehose:UpdateDestination",
      ]
      resources = ["${local.arn.firehose}:deliverystream/${var.name}-*"]
    }
  }
}
