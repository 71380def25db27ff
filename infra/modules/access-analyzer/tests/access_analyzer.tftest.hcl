mock_provider "aws" {}

variables {
  name = "shop-prod"
}

run "what_is_open_is_reported" {
  assert {
    condition     = aws_accessanalyzer_analyzer.external.type == "ACCOUNT" && aws_accessanalyzer_analyzer.external.analyzer_name == "shop-prod-external"
    error_message = "Nobody looks for what is open to others."
  }

  assert {
    condition     = length(aws_accessanalyzer_analyzer.unused) == 0
    error_message = "What costs by role is off unless asked for."
  }
}

run "unused_permissions_are_reported_when_asked_for" {
  variables {
    unused_access_age = 90
  }

  assert {
    condition     = one(aws_accessanalyzer_analyzer.unused).configuration[0].unused_access[0].unused_access_age == 90
    error_message = "Permissions that nobody used in 90 days are reported."
  }
}

run "more_than_a_year_is_refused" {
  command = plan

  variables {
    unused_access_age = 366
  }

  expect_failures = [var.unused_access_age]
}
