mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_cloudfront_distribution" {
    defaults = { arn = "arn:aws:cloudfront::123456789012:distribution/E1" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/1" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:aws-waf-logs-shop-prod-cdn" }
  }
  mock_resource "aws_cloudwatch_log_delivery_destination" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:delivery-destination:shop-prod-cdn" }
  }
}

variables {
  name              = "shop-prod"
  kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  access_log_bucket = "shop-prod-logs"

  services = {
    site = {
      bucket          = "shop-prod-site"
      hosts           = ["www.example.com"]
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    }
    console = {
      bucket          = "shop-prod-console"
      hosts           = ["console.example.com"]
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
      folder          = "/v3"
      single_page     = true
    }
  }
}

run "a_distribution_for_each_site" {
  command = apply

  assert {
    condition     = toset(keys(output.domain_names)) == toset(["site", "console"]) && output.bucket_names["site"] != null
    error_message = "Every site has a distribution and a bucket."
  }
  assert {
    condition     = alltrue([for it in aws_cloudfront_distribution.this : it.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && it.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"])
    error_message = "Sites are served by TLS 1.2 and later only."
  }
  assert {
    condition     = alltrue([for it in aws_cloudfront_distribution.this : it.web_acl_id == aws_wafv2_web_acl.this.arn])
    error_message = "The firewall stands before every site."
  }
  assert {
    condition     = alltrue([for it in aws_cloudfront_distribution.this : alltrue([for origin in it.origin : origin.origin_access_control_id == aws_cloudfront_origin_access_control.this.id])])
    error_message = "Buckets are read with signed requests."
  }
  assert {
    condition     = toset([for answer in aws_cloudfront_distribution.this["console"].custom_error_response : "${answer.error_code} ${answer.response_code} ${answer.response_page_path}"]) == toset(["403 200 /index.html", "404 200 /index.html"])
    error_message = "An application of a single page answers every path itself."
  }
  assert {
    condition     = toset([for answer in aws_cloudfront_distribution.this["site"].custom_error_response : answer.response_code]) == toset([404])
    error_message = "Any other site says that a page is not there."
  }
  assert {
    condition     = toset([for origin in aws_cloudfront_distribution.this["console"].origin : origin.origin_path]) == toset(["/v3"])
    error_message = "The version that is shown is a folder of the bucket."
  }
  assert {
    condition     = aws_cloudfront_response_headers_policy.this["site"].security_headers_config[0].strict_transport_security[0].include_subdomains && aws_cloudfront_response_headers_policy.this["site"].security_headers_config[0].frame_options[0].frame_option == "DENY"
    error_message = "Answers carry security headers."
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_log_delivery.this)) == toset(["site", "console"])
    error_message = "Requests to every site are logged."
  }
  assert {
    condition     = data.aws_iam_policy_document.bucket["site"].statement[0].actions == toset(["s3:GetObject"]) && one(data.aws_iam_policy_document.bucket["site"].statement[0].condition).values == tolist([aws_cloudfront_distribution.this["site"].arn])
    error_message = "Only a site's own distribution reads its bucket."
  }
}

run "a_certificate_of_another_region" {
  command = plan

  variables {
    services = {
      site = {
        bucket          = "shop-prod-site"
        hosts           = ["www.example.com"]
        certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
      }
    }
  }

  expect_failures = [var.services]
}

run "a_site_without_a_host" {
  command = plan

  variables {
    services = {
      site = {
        bucket          = "shop-prod-site"
        hosts           = []
        certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
      }
    }
  }

  expect_failures = [var.services]
}
