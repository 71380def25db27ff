# Names of tasks inside the VPC. The services in the namespace are made by module ecs-service, one for
# each version, since versions come and go.

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = var.namespace
  description = "Versions of the services of ${var.name}"
  vpc         = var.vpc_id

  tags = merge(var.tags, { Name = "${var.name}-${var.namespace}" })
}
