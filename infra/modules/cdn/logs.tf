# Requests to the distributions, delivered to a bucket as JSON.

resource "aws_cloudwatch_log_delivery_source" "this" {
  for_each = var.services

  name         = "${var.name}-${each.key}"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this[each.key].arn

  tags = var.tags
}

resource "aws_cloudwatch_log_delivery_destination" "this" {
  name          = "${var.name}-cdn"
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.access_log_bucket}/cdn"
  }

  tags = var.tags
}

resource "aws_cloudwatch_log_delivery" "this" {
  for_each = aws_cloudwatch_log_delivery_source.this

  delivery_source_name     = each.value.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.this.arn

  tags = var.tags
}
