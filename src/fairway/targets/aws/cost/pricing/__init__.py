"""How a resource is billed, by its type. Every type is priced, free, or told as not priced."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.targets.aws.cost.items import Pricer
from fairway.targets.aws.cost.pricing.compute import COMPUTE
from fairway.targets.aws.cost.pricing.data import DATA
from fairway.targets.aws.cost.pricing.network import NETWORK
from fairway.targets.aws.cost.pricing.operations import OPERATIONS

PRICERS: Mapping[str, Pricer] = {**COMPUTE, **NETWORK, **DATA, **OPERATIONS}

BY_USE: Mapping[str, tuple[str, ...]] = {
    "aws_apigatewayv2_api": ("API requests",),
    "aws_backup_vault": ("backups",),
    "aws_cloudfront_distribution": ("requests", "response"),
    "aws_cloudwatch_event_archive": ("kept events",),
    "aws_cloudwatch_log_group": ("logs",),
    "aws_dynamodb_table": ("reads", "writes", "storage"),
    "aws_ecr_repository": ("images",),
    "aws_kinesis_firehose_delivery_stream": ("exported logs",),
    "aws_lambda_function": ("function calls",),
    "aws_nat_gateway": ("nat",),
    "aws_s3_bucket": ("reads", "writes", "storage"),
    "aws_sns_topic": ("events",),
    "aws_vpc": ("egress",),
}
"""What a type costs by its use: keys of `cost.usage`, or words where the app file has no key."""

FREE_PREFIXES = (
    "aws_accessanalyzer_",
    "aws_acm_",
    "aws_apigatewayv2_",
    "aws_appautoscaling_",
    "aws_backup_",
    "aws_budgets_",
    "aws_ce_",
    "aws_cloudfront_",
    "aws_cloudwatch_event_",
    "aws_cloudwatch_log_",
    "aws_cloudwatch_query_",
    "aws_db_",
    "aws_default_",
    "aws_dynamodb_",
    "aws_ecr_",
    "aws_ecs_",
    "aws_elasticache_",
    "aws_iam_",
    "aws_internet_gateway",
    "aws_kinesis_firehose_",
    "aws_kms_",
    "aws_lambda_",
    "aws_lb_",
    "aws_network_acl",
    "aws_route",
    "aws_s3_bucket_",
    "aws_s3_object",
    "aws_secretsmanager_",
    "aws_security_group",
    "aws_service_discovery_",
    "aws_sns_topic_",
    "aws_sqs_queue_",
    "aws_ssm_parameter",
    "aws_subnet",
    "aws_vpc",
    "aws_wafv2_",
    "aws_flow_log",
    "terraform_data",
)
"""Beginnings of types without a price of their own: settings of what has one, and what is free."""
