# Access Analyzer reports what is open to somebody outside of the account, and what nobody uses.

resource "aws_accessanalyzer_analyzer" "external" {
  analyzer_name = "${var.name}-external"
  type          = "ACCOUNT"

  tags = merge(var.tags, { Name = "${var.name}-external" })
}

resource "aws_accessanalyzer_analyzer" "unused" {
  count = var.unused_access_age == null ? 0 : 1

  analyzer_name = "${var.name}-unused"
  type          = "ACCOUNT_UNUSED_ACCESS"

  configuration {
    unused_access {
      unused_access_age = var.unused_access_age
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-unused" })
}
