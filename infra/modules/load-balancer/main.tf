# An application load balancer that speaks TLS only. What no rule matches is answered with 404.

resource "aws_lb" "this" {
  name               = var.name
  internal           = var.internal
  load_balancer_type = "application"
  subnets            = var.subnet_ids
  security_groups    = [var.security_group_id]

  idle_timeout               = var.idle_timeout
  drop_invalid_header_fields = var.drop_invalid_headers
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection

  access_logs {
    bucket  = var.access_log_bucket
    prefix  = "${var.name}/access"
    enabled = true
  }

  connection_logs {
    bucket  = var.access_log_bucket
    prefix  = "${var.name}/connections"
    enabled = true
  }

  tags = merge(var.tags, { Name = var.name })
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = var.ssl_policy
  certificate_arn   = var.certificate_arn

  routing_http_response_server_enabled                         = false
  routing_http_response_strict_transport_security_header_value = "max-age=63072000; includeSubDomains"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }

  tags = var.tags
}

# Reached only where the security group admits port 80: see redirect_http of module security-groups.
resource "aws_lb_listener" "redirect" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }

  tags = var.tags
}

resource "aws_lb_listener_rule" "this" {
  for_each = var.rules

  listener_arn = aws_lb_listener.https.arn
  priority     = each.value.priority

  action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = each.value.targets

        content {
          arn    = target_group.value.arn
          weight = target_group.value.weight
        }
      }

      # Every request is divided anew, so that the weights are the shares.
      stickiness {
        enabled  = false
        duration = 3600
      }
    }
  }

  dynamic "condition" {
    for_each = length(each.value.hosts) > 0 ? [each.value.hosts] : []

    content {
      host_header {
        values = condition.value
      }
    }
  }

  dynamic "condition" {
    for_each = length(each.value.paths) > 0 ? [each.value.paths] : []

    content {
      path_pattern {
        values = condition.value
      }
    }
  }

  tags = merge(var.tags, { Name = each.key })

  lifecycle {
    # Deployments move the weights. Other target groups make another rule.
    ignore_changes       = [action[0].forward[0].target_group]
    replace_triggered_by = [terraform_data.target_groups[each.key]]
  }
}

resource "terraform_data" "target_groups" {
  for_each = var.rules

  triggers_replace = sort(each.value.targets[*].arn)
}
