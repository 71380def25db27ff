mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
}

variables {
  name        = "shop-prod-uploads"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
}

# The mock makes policies up; these are the ones that the provider would take.
override_data {
  target = data.aws_iam_policy_document.this
  values = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
}

override_data {
  target = data.aws_iam_policy_document.replication_trust
  values = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
}

run "private_encrypted_versioned" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket must not be public in any way."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "Objects must be encrypted with the given key."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "The bucket must keep versions."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0
    error_message = "Without a limit only old versions may expire."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket with objects must survive unless it is told otherwise."
  }
}

run "only_over_tls" {
  command = plan

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.this.statement :
      statement.effect == "Deny" && one(statement.condition).variable == "aws:SecureTransport"
    ])
    error_message = "Requests without TLS must be denied."
  }
}

run "a_bucket_for_logs" {
  command = apply

  variables {
    kms_key_arn     = null
    log_sources     = ["load-balancer", "flow-logs"]
    expiration_days = 400
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Load balancers can only write to buckets with SSE-S3."
  }

  assert {
    condition = toset([
      for statement in data.aws_iam_policy_document.this.statement :
      one(one(statement.principals).identifiers) if contains(statement.actions, "s3:PutObject")
    ]) == toset(["logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"])
    error_message = "Exactly the given sources may write."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.this.statement :
      [for resource in statement.resources : endswith(resource, "/*/AWSLogs/${data.aws_caller_identity.current.account_id}/*")]
      if statement.sid == "LogsLoadBalancer"
    ]))
    error_message = "Load balancers of this account alone may write."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration[0].days == 400
    error_message = "Logs must expire when told."
  }
}

run "copies_in_another_region" {
  command = plan

  variables {
    replication = {
      bucket_arn  = "arn:aws:s3:::shop-prod-uploads-copy"
      kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/22222222-2222-2222-2222-222222222222"
    }
  }

  override_data {
    target = data.aws_iam_policy_document.replication[0]
    values = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  assert {
    condition     = one(aws_s3_bucket_replication_configuration.this[0].rule).destination[0].bucket == var.replication.bucket_arn
    error_message = "Objects must be copied to the given bucket."
  }
}

run "unknown_sources_are_refused" {
  command = plan

  variables {
    log_sources = ["cloudtrail"]
  }

  expect_failures = [var.log_sources]
}
