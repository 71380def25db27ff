output "groups" {
  description = "ARN and last part of the ARN (as CloudWatch names it) of every target group, by slot: what ecs-service takes."
  value       = { for slot, group in aws_lb_target_group.this : slot => { arn = group.arn, arn_suffix = group.arn_suffix } }
}

output "arns" {
  description = "ARNs of the target groups, by slot: what the rules of a load balancer take."
  value       = { for slot, group in aws_lb_target_group.this : slot => group.arn }
}
