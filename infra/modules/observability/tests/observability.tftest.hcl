mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:111122223333:shop-prod-alarms" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/shop-prod" }
  }

  mock_resource "aws_kinesis_firehose_delivery_stream" {
    defaults = { arn = "arn:aws:firehose:eu-central-1:111122223333:deliverystream/shop-prod-logs" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/shop-prod/log-export" }
  }
}

variables {
  name        = "shop-prod"
  app         = "shop"
  environment = "prod"
  region      = "eu-central-1"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"

  services = {
    orbit = { cluster = "shop-prod", log_group = "/shop-prod/orbit", versions = { r6 = "orbit-r6", r7 = "orbit-r7" } }
    axon  = { cluster = "shop-prod", log_group = "/shop-prod/axon", versions = { r3 = "axon-r3" } }
  }

  slos = {
    dispatch = { service = "orbit", availability = 99.9, p95 = 0.2 }
    weekly   = { service = "axon", availability = 90, window = 604800 }
  }
}

run "burn_rates_of_the_workbook" {
  command = apply

  assert {
    condition     = abs(aws_cloudwatch_metric_alarm.burn_window["dispatch-availability-fast-long"].threshold - 14.4 * 0.001) < 0.000001
    error_message = "Within an hour the budget may burn 14.4 times as fast as allowed."
  }

  assert {
    condition     = abs(aws_cloudwatch_metric_alarm.burn_window["dispatch-availability-slow-short"].threshold - 6 * 0.001) < 0.000001
    error_message = "Within six hours the budget may burn 6 times as fast as allowed."
  }

  assert {
    condition = [
      for window in ["fast-long", "fast-short", "slow-long", "slow-short"] :
      one([for query in aws_cloudwatch_metric_alarm.burn_window["dispatch-availability-${window}"].metric_query : query.metric[0].period if query.id == "bad0"])
    ] == [3600, 300, 21600, 1800]
    error_message = "Windows are 1 h and 5 min, 6 h and 30 min."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.burn["dispatch-availability-fast"].alarm_rule == "ALARM(\"shop-prod-slo-dispatch-availability-fast-long\") AND ALARM(\"shop-prod-slo-dispatch-availability-fast-short\")"
    error_message = "Both windows of a pair must burn."
  }

  assert {
    condition     = abs(aws_cloudwatch_metric_alarm.burn_window["weekly-availability-fast-long"].threshold - 0.02 * 168 * 0.1) < 0.000001
    error_message = "Another window keeps the share of the budget."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.burn_window["dispatch-availability-fast-long"].alarm_actions == null ? [] : aws_cloudwatch_metric_alarm.burn_window["dispatch-availability-fast-long"].alarm_actions) == 0
    error_message = "A window alone tells nobody."
  }
}

run "every_version_counts" {
  command = apply

  assert {
    condition = toset([
      for query in aws_cloudwatch_metric_alarm.burn_window["dispatch-p95-fast-long"].metric_query :
      "${query.metric[0].dimensions.Version} ${query.metric[0].metric_name} ${query.metric[0].stat}" if length(query.metric) > 0
      ]) == toset([
      "r6 Latency TC(200:)", "r6 Latency SampleCount",
      "r7 Latency TC(200:)", "r7 Latency SampleCount",
    ])
    error_message = "Slow and all requests of both versions are counted."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.missing_tasks)) == toset(["axon-r3", "orbit-r6", "orbit-r7"])
    error_message = "Every version is watched for missing tasks."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.usage["orbit-r7-cpu"].dimensions == tomap({ ClusterName = "shop-prod", ServiceName = "orbit-r7" })
    error_message = "ECS knows a version as a service of its own."
  }
}

run "a_row_for_every_service" {
  command = apply

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this["shop-prod"].dashboard_body).widgets) == 14
    error_message = "A row is a title, three widgets of requests and three of tasks."
  }

  assert {
    condition     = output.dashboard_name == "shop-prod"
    error_message = "The first dashboard has the name of the environment."
  }
}

run "logs" {
  command = apply

  assert {
    condition     = length(aws_cloudwatch_log_metric_filter.this) == 4
    error_message = "Errors and denied decisions are counted for both services."
  }

  assert {
    condition     = length(aws_cloudwatch_log_subscription_filter.export) == 0 && output.export_stream_arn == null
    error_message = "Nothing is exported unless a bucket is given."
  }
}

run "export" {
  command = apply

  variables {
    export = { bucket_arn = "arn:aws:s3:::shop-prod-logs" }
  }

  assert {
    condition     = { for service, filter in aws_cloudwatch_log_subscription_filter.export : service => filter.log_group_name } == { axon = "/shop-prod/axon", orbit = "/shop-prod/orbit" }
    error_message = "Every service's logs are exported."
  }

  assert {
    condition     = aws_kinesis_firehose_delivery_stream.export[0].server_side_encryption[0].key_arn == var.kms_key_arn
    error_message = "The stream is encrypted with the given key."
  }
}

run "an_slo_needs_its_service" {
  command = plan

  variables {
    slos = { other = { service = "nobody", availability = 99 } }
  }

  expect_failures = [var.slos]
}
