mock_provider "aws" {}

variables {
  name        = "shop-prod-carts"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
}

run "protected_by_default" {
  command = plan

  assert {
    condition     = one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "The table must be restorable to a point in time."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).kms_key_arn == var.kms_key_arn
    error_message = "The table must be encrypted with the given key."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The table must refuse to be deleted."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table is paid by request."
  }

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "pk" && aws_dynamodb_table.this.range_key == null
    error_message = "Without other keys the partition key is pk."
  }

  assert {
    condition     = length(aws_dynamodb_table.this.ttl) == 0 && output.stream_arn == null
    error_message = "Nothing expires and nothing streams unless it is asked for."
  }
}

run "keys_and_indexes" {
  command = plan

  variables {
    hash_key         = { name = "customer" }
    range_key        = { name = "number", type = "N" }
    index_attributes = { state = "S" }
    indexes          = { by-state = { hash_key = "state", range_key = "number", attributes = ["total"] } }
    ttl_attribute    = "expires"
  }

  assert {
    condition     = tomap({ for a in aws_dynamodb_table.this.attribute : a.name => a.type }) == tomap({ customer = "S", number = "N", state = "S" })
    error_message = "Exactly the attributes of keys and indexes are declared."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.global_secondary_index).projection_type == "INCLUDE"
    error_message = "An index with named attributes projects only those."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).attribute_name == "expires"
    error_message = "Items must expire by the given attribute."
  }
}

run "replicas" {
  command = plan

  variables {
    replicas = {
      eu-west-1 = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/22222222-2222-2222-2222-222222222222" }
    }
  }

  assert {
    condition     = one(aws_dynamodb_table.this.replica).region_name == "eu-west-1" && one(aws_dynamodb_table.this.replica).point_in_time_recovery
    error_message = "A replica must be restorable too."
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_enabled
    error_message = "Replicas need the stream."
  }
}

run "unknown_types_are_refused" {
  command = plan

  variables {
    hash_key = { name = "pk", type = "string" }
  }

  expect_failures = [var.hash_key]
}
