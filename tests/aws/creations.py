"""By which call of AWS each type of resource in a region's root is made, and what that call names.

Read by `test_deployer_rights.py`: whoever may not make these cannot deploy. From the Service
Authorization Reference (docs.aws.amazon.com/service-authorization). `-` stands for an ARN that AWS
lets nobody name.
"""

from __future__ import annotations

_EVERYWHERE = frozenset({"cloudfront", "iam", "route53", "s3"})
_ACCOUNT, _REGION, _NAME = "123456789012", "eu-central-1", "shop-prod"
_CALLS = """
acm_certificate                       acm:RequestCertificate             certificate/1
appautoscaling_policy                 application-autoscaling:PutScalingPolicy scalable-target/1
appautoscaling_scheduled_action application-autoscaling:PutScheduledAction scalable-target/1
appautoscaling_target application-autoscaling:RegisterScalableTarget scalable-target/1
backup_plan                           backup:CreateBackupPlan            backup-plan:1
backup_selection                      backup:CreateBackupSelection       backup-plan:1
backup_vault                          backup:CreateBackupVault           backup-vault:NAME
backup_vault_lock_configuration       backup:PutBackupVaultLockConfiguration backup-vault:NAME
backup_vault_notifications            backup:PutBackupVaultNotifications backup-vault:NAME
backup_vault_policy                   backup:PutBackupVaultAccessPolicy  backup-vault:NAME
cloudfront_distribution               cloudfront:CreateDistribution      distribution/1
cloudfront_origin_access_control cloudfront:CreateOriginAccessControl origin-access-control/1
cloudfront_response_headers_policy cloudfront:CreateResponseHeadersPolicy response-headers-policy/1
cloudwatch_composite_alarm            cloudwatch:PutCompositeAlarm       alarm:NAME-slo
cloudwatch_dashboard                  cloudwatch:PutDashboard            dashboard/NAME
cloudwatch_event_archive              events:CreateArchive               archive/NAME
cloudwatch_event_bus                  events:CreateEventBus              event-bus/NAME
cloudwatch_event_rule                 events:PutRule                     rule/NAME/paid
cloudwatch_event_target               events:PutTargets                  rule/NAME/paid
cloudwatch_log_delivery               logs:CreateDelivery                -
cloudwatch_log_delivery_destination   logs:PutDeliveryDestination        -
cloudwatch_log_delivery_source        logs:PutDeliverySource             -
cloudwatch_log_group logs:CreateLogGroup log-group:/fairway/NAME-cart
cloudwatch_log_metric_filter logs:PutMetricFilter log-group:/fairway/NAME-cart
cloudwatch_log_stream logs:CreateLogStream log-group:/NAME/log-export:log-stream:delivery
cloudwatch_log_subscription_filter logs:PutSubscriptionFilter log-group:/fairway/NAME-cart
cloudwatch_metric_alarm               cloudwatch:PutMetricAlarm          alarm:NAME-cpu
cloudwatch_query_definition           logs:PutQueryDefinition            -
db_instance                           rds:CreateDBInstance               db:NAME-orders
db_instance_automated_backups_replication rds:StartDBInstanceAutomatedBackupsReplication db:NAME-db
db_parameter_group                    rds:CreateDBParameterGroup         pg:NAME-orders
db_subnet_group                       rds:CreateDBSubnetGroup            subgrp:NAME-orders
default_network_acl                   ec2:DeleteNetworkAclEntry          network-acl/1
default_security_group                ec2:RevokeSecurityGroupIngress     security-group/1
dynamodb_table                        dynamodb:CreateTable               table/NAME-carts
ecs_cluster                           ecs:CreateCluster                  cluster/NAME
ecs_cluster_capacity_providers        ecs:PutClusterCapacityProviders    cluster/NAME
ecs_service                           ecs:CreateService                  service/NAME/cart-r1
ecs_task_definition ecs:RegisterTaskDefinition task-definition/NAME-cart-r1:1
eip                                   ec2:AllocateAddress                elastic-ip/1
elasticache_parameter_group elasticache:CreateCacheParameterGroup parametergroup:NAME-sessions
elasticache_replication_group elasticache:CreateReplicationGroup replicationgroup:NAME-sessions
elasticache_subnet_group elasticache:CreateCacheSubnetGroup subnetgroup:NAME-sessions
elasticache_user                      elasticache:CreateUser             user:NAME-sessions-cart
elasticache_user_group                elasticache:CreateUserGroup        usergroup:NAME-sessions
flow_log                              ec2:CreateFlowLogs                 vpc-flow-log/1
iam_role iam:CreateRole role/NAME-cart-task-REGION
iam_role_policy iam:PutRolePolicy role/NAME-cart-task-REGION
iam_role_policy_attachment            iam:AttachRolePolicy               role/NAME-backup-REGION
internet_gateway                      ec2:CreateInternetGateway          internet-gateway/1
kinesis_firehose_delivery_stream firehose:CreateDeliveryStream deliverystream/NAME-logs
kms_alias                             kms:CreateAlias                    alias/NAME-cart
kms_key                               kms:CreateKey                      -
lambda_alias                          lambda:CreateAlias                 function:NAME-identity
lambda_function                       lambda:CreateFunction              function:NAME-identity
lambda_permission                     lambda:AddPermission               function:NAME-identity
lb elasticloadbalancing:CreateLoadBalancer loadbalancer/app/NAME-public/1
lb_listener elasticloadbalancing:CreateListener loadbalancer/app/NAME-public/1
lb_listener_rule elasticloadbalancing:CreateRule listener/app/NAME-public/1/2
lb_target_group elasticloadbalancing:CreateTargetGroup targetgroup/NAME-gateway-a/1
nat_gateway                           ec2:CreateNatGateway               natgateway/1
network_acl                           ec2:CreateNetworkAcl               network-acl/1
route                                 ec2:CreateRoute                    route-table/1
route53_health_check                  route53:CreateHealthCheck          -
route53_record                        route53:ChangeResourceRecordSets   hostedzone/Z1
route53_zone                          route53:CreateHostedZone           -
route_table                           ec2:CreateRouteTable               route-table/1
route_table_association               ec2:AssociateRouteTable            route-table/1
s3_bucket                             s3:CreateBucket                    NAME-config
s3_bucket_lifecycle_configuration     s3:PutLifecycleConfiguration       NAME-config
s3_bucket_logging                     s3:PutBucketLogging                NAME-config
s3_bucket_notification                s3:PutBucketNotification           NAME-config
s3_bucket_ownership_controls          s3:PutBucketOwnershipControls      NAME-config
s3_bucket_policy                      s3:PutBucketPolicy                 NAME-config
s3_bucket_public_access_block         s3:PutBucketPublicAccessBlock      NAME-config
s3_bucket_replication_configuration   s3:PutReplicationConfiguration     NAME-config
s3_bucket_server_side_encryption_configuration s3:PutEncryptionConfiguration      NAME-config
s3_bucket_versioning                  s3:PutBucketVersioning             NAME-config
secretsmanager_secret secretsmanager:CreateSecret secret:NAME/cart/KEY-AbCdEf
secretsmanager_secret_policy secretsmanager:PutResourcePolicy secret:NAME/cart/KEY-AbCdEf
secretsmanager_secret_rotation secretsmanager:RotateSecret secret:NAME/cart/KEY-AbCdEf
security_group                        ec2:CreateSecurityGroup            security-group/1
service_discovery_private_dns_namespace servicediscovery:CreatePrivateDnsNamespace -
service_discovery_service             servicediscovery:CreateService     namespace/1
sns_topic                             sns:CreateTopic                    NAME-alarms
sns_topic_policy                      sns:SetTopicAttributes             NAME-alarms
sns_topic_subscription                sns:Subscribe                      NAME-alarms
sqs_queue                             sqs:CreateQueue                    NAME-paid-cart
sqs_queue_policy                      sqs:SetQueueAttributes             NAME-paid-cart
sqs_queue_redrive_allow_policy        sqs:SetQueueAttributes             NAME-paid-cart
subnet                                ec2:CreateSubnet                   subnet/1
vpc                                   ec2:CreateVpc                      vpc/1
vpc_endpoint                          ec2:CreateVpcEndpoint              vpc-endpoint/1
vpc_security_group_egress_rule        ec2:AuthorizeSecurityGroupEgress   security-group/1
vpc_security_group_ingress_rule       ec2:AuthorizeSecurityGroupIngress  security-group/1
wafv2_web_acl                         wafv2:CreateWebACL                 regional/webacl/NAME/1
wafv2_web_acl_association             wafv2:AssociateWebACL              regional/webacl/NAME/1
wafv2_web_acl_logging_configuration   wafv2:PutLoggingConfiguration      regional/webacl/NAME/1
"""
WAITS = frozenset({"aws_acm_certificate_validation"})
"""Types that make nothing."""
OPTIONAL = frozenset({
    "aws_apigatewayv2_api", "aws_apigatewayv2_integration", "aws_apigatewayv2_route",
    "aws_apigatewayv2_stage", "aws_ecr_lifecycle_policy", "aws_ecr_replication_configuration",
    "aws_ecr_repository", "aws_ecr_repository_policy", "aws_iam_policy",
})  # fmt: skip
"""Types that modules know and a region's root asks for none of."""


def calls() -> dict[str, tuple[str, str]]:
    """By type: the action, and the ARN that it is asked for."""
    found = {}
    for line in _CALLS.strip().splitlines():
        kind, action, named = line.split()
        found[f"aws_{kind}"] = (action, _arn(action.partition(":")[0], named))
    return found


def _arn(service: str, named: str) -> str:
    for word, value in (("NAME", _NAME), ("REGION", _REGION)):
        named = named.replace(word, value)
    if named == "-":
        return "*"
    owner = "" if service in {"route53", "s3"} else _ACCOUNT
    region = (
        ""
        if service in {"cloudfront", "iam", "route53", "s3"} or named.startswith("dashboard/")
        else _REGION
    )
    return f"arn:aws:{service}:{region}:{owner}:{named}"
