# A distribution for each static site. Its files are in a private bucket that only the distribution may
# read. Everything is in us-east-1, where CloudFront wants its certificates, firewalls and logs.

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # AWS's managed policy CachingOptimized; its id is the same in every account.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"

  # S3 answers 403 for what is not there, since the distribution may not list the bucket.
  missing = [403, 404]
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_86:Requests are logged by the deliveries in logs.tf; the older logging wants a bucket with ACLs.
  # checkov:skip=CKV_AWS_310:S3 keeps the files in three zones, and a deployment makes them again.
  # checkov:skip=CKV_AWS_374:Countries are turned away only where blocked_countries names some.
  for_each = var.services

  comment             = "${var.name} ${each.key}"
  enabled             = true
  is_ipv6_enabled     = true
  http_version        = "http2and3"
  price_class         = var.price_class
  aliases             = each.value.hosts
  default_root_object = "index.html"
  web_acl_id          = aws_wafv2_web_acl.this.arn

  origin {
    origin_id                = "bucket"
    domain_name              = "${each.value.bucket}.s3.${data.aws_region.current.id}.amazonaws.com"
    origin_path              = each.value.folder
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  default_cache_behavior {
    target_origin_id           = "bucket"
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    viewer_protocol_policy     = "redirect-to-https"
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this[each.key].id
  }

  dynamic "custom_error_response" {
    for_each = local.missing

    content {
      error_code            = custom_error_response.value
      response_code         = each.value.single_page ? 200 : 404
      response_page_path    = each.value.single_page ? "/index.html" : "/404.html"
      error_caching_min_ttl = 10
    }
  }

  viewer_certificate {
    acm_certificate_arn      = each.value.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = length(var.blocked_countries) > 0 ? "blacklist" : "none"
      locations        = var.blocked_countries
    }
  }

  tags = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = var.name
  description                       = "Signs the requests of distributions to buckets"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "this" {
  for_each = var.services

  name    = "${var.name}-${each.key}"
  comment = "Security headers of ${each.key}"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      preload                    = true
      override                   = true
    }

    content_security_policy {
      content_security_policy = each.value.content_policy
      override                = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }
  }
}
