mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }
}

variables {
  name         = "shop-prod"
  repository   = "acme/shop"
  environments = ["prod"]

  deploy_policy_arns = { access = "arn:aws:iam::111122223333:policy/shop-prod-deploy-access" }

  state = {
    bucket_arn  = "arn:aws:s3:::shop-prod-state"
    kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
    table_arns  = ["arn:aws:dynamodb:eu-central-1:111122223333:table/shop-prod-fairway"]
  }
}

run "limited_to_repository_and_environment" {
  command = plan

  assert {
    condition = alltrue([
      for document in values(data.aws_iam_policy_document.trust) : toset([
        for condition in one(document.statement).condition : "${condition.test} ${condition.variable} ${join(",", condition.values)}"
        ]) == toset([
        "StringEquals token.actions.githubusercontent.com:aud sts.amazonaws.com",
        "StringEquals token.actions.githubusercontent.com:sub repo:acme/shop:environment:prod",
      ])
    ])
    error_message = "Only jobs of the environment prod of acme/shop get in, and only for AWS."
  }
}

run "plans_from_another_environment" {
  command = plan

  variables {
    plan_environments = ["prod-plan"]
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.trust["plan"].statement).condition[*].values, tolist(["repo:acme/shop:environment:prod-plan"]))
    error_message = "A plan can have a GitHub environment of its own."
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.trust["deploy"].statement).condition[*].values, tolist(["repo:acme/shop:environment:prod"]))
    error_message = "That environment may not deploy."
  }
}

run "a_plan_only_reads" {
  command = plan

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.plan.policy_arn, "/ReadOnlyAccess")
    error_message = "The role for plans only reads."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.plan.statement :
      alltrue([for resource in statement.resources : endswith(resource, ".tflock")])
      if statement.effect != "Deny" && contains(statement.actions, "s3:PutObject")
    ])
    error_message = "All that a plan may write is the lock."
  }
}

run "a_deployment_has_the_given_policies_alone" {
  command = plan

  assert {
    condition = { for name, it in aws_iam_role_policy_attachment.deploy : name => it.policy_arn } == {
      access = "arn:aws:iam::111122223333:policy/shop-prod-deploy-access"
    }
    error_message = "A deployment from CI may do something else than one from the control plane."
  }
}

run "an_existing_provider" {
  command = plan

  variables {
    create_provider = false
  }

  assert {
    condition     = output.provider_arn == "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    error_message = "The account's own provider is used."
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "No second provider is made."
  }
}

run "no_wildcards" {
  command = plan

  variables {
    repository = "acme/*"
  }

  expect_failures = [var.repository]
}
