# Every region pulls from a registry of its own: a region that is out of reach keeps no other from starting tasks.

locals {
  # What comes before the service in a name, so that the number of services does not meet the limit of filters.
  families = distinct([for name in var.repositories : "${split("/", name)[0]}/"])
}

resource "aws_ecr_replication_configuration" "this" {
  count = length(var.replica_regions) > 0 && length(var.repositories) > 0 ? 1 : 0

  replication_configuration {
    rule {
      dynamic "destination" {
        for_each = var.replica_regions

        content {
          region      = destination.value
          registry_id = local.account
        }
      }

      dynamic "repository_filter" {
        for_each = local.families

        content {
          filter      = repository_filter.value
          filter_type = "PREFIX_MATCH"
        }
      }
    }
  }
}
