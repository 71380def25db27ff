mock_provider "aws" {
  mock_resource "aws_lb_target_group" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/0123456789abcdef"
      arn_suffix = "targetgroup/shop/0123456789abcdef"
    }
  }
}

variables {
  slots  = { a = "shop-orbit-a", b = "shop-orbit-b" }
  vpc_id = "vpc-0a"
  port   = 8080
}

run "one_for_each_slot" {
  variables {
    health = { path = "/health", interval = 2, timeout = 1, healthy = 1 }
  }

  assert {
    condition     = sort(keys(output.arns)) == tolist(["a", "b"]) && output.groups.a.arn_suffix != ""
    error_message = "Each slot has a target group."
  }

  assert {
    condition     = aws_lb_target_group.this["a"].health_check[0].path == "/health" && aws_lb_target_group.this["a"].health_check[0].interval == 5
    error_message = "The load balancer asks for the declared path, within its bounds."
  }

  assert {
    condition     = aws_lb_target_group.this["a"].health_check[0].timeout < aws_lb_target_group.this["a"].health_check[0].interval
    error_message = "AWS wants a timeout below the interval."
  }
}

run "health_may_be_asked_elsewhere" {
  variables {
    protocol = "HTTPS"
    health   = { path = "/ready", port = "15021", protocol = "HTTP" }
  }

  assert {
    condition     = aws_lb_target_group.this["a"].protocol == "HTTPS" && aws_lb_target_group.this["a"].health_check[0].protocol == "HTTP"
    error_message = "Requests are encrypted; whether it works is asked in plain."
  }
}

run "a_long_name_is_refused" {
  command = plan

  variables {
    slots = { a = "a-name-of-more-than-thirty-two-characters" }
  }

  expect_failures = [var.slots]
}
