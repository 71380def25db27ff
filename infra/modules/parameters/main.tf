# Settings that programs of AWS and people look up by path.

resource "aws_ssm_parameter" "this" {
  for_each = var.values

  name        = "${var.path}/${each.key}"
  description = "${each.key} of ${trimprefix(var.path, "/")}"
  type        = "SecureString"
  key_id      = var.kms_key_arn
  value       = each.value

  tags = merge(var.tags, { Name = "${var.path}/${each.key}" })
}
