# Load balancers, certificates, names and static sites.

locals {
  edge = {
    Look = {
      global = true
      actions = [
        "acm:ListCertificates", "cloudfront:ListOriginAccessControls", "cloudfront:ListResponseHeadersPolicies",
        "elasticloadbalancing:DescribeListenerAttributes", "elasticloadbalancing:DescribeListenerCertificates",
        "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTags", "elasticloadbalancing:DescribeTargetGroupAttributes",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
        "route53:ListHostedZones", "route53:ListHostedZonesByName", "wafv2:ListWebACLs",
      ]
      resources = ["*"] # lists are of everything
    }
    Balance = {
      actions = [
        "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateListener",
        "elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:CreateTargetGroup", "elasticloadbalancing:DeleteListener",
        "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteRule",
        "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyRule", "elasticloadbalancing:ModifyTargetGroup",
        "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:SetRulePriorities", "elasticloadbalancing:SetSecurityGroups",
        "elasticloadbalancing:SetSubnets", "elasticloadbalancing:SetWebAcl",
      ]
      resources = [
        "${local.arn.elasticloadbalancing}:listener-rule/app/${local.short}*",
        "${local.arn.elasticloadbalancing}:listener/app/${local.short}*",
        "${local.arn.elasticloadbalancing}:loadbalancer/app/${local.short}*",
        "${local.arn.elasticloadbalancing}:targetgroup/${local.short}*",
      ]
    }
    RequestCertificates = {
      global    = true # those of CloudFront are in us-east-1
      tagged    = "new"
      actions   = ["acm:AddTagsToCertificate", "acm:RequestCertificate"]
      resources = ["${local.arn.acm}:certificate/*"]
      when      = local.not_of_another
    }
    ManageCertificates = {
      global = true
      tagged = "own"
      actions = [
        "acm:DeleteCertificate", "acm:DescribeCertificate", "acm:ListTagsForCertificate",
        "acm:RemoveTagsFromCertificate", "acm:UpdateCertificateOptions",
      ]
      resources = ["${local.arn.acm}:certificate/*"]
    }
    # A firewall of AWS's rules is made of sets that belong to AWS.
    Filter = {
      global = true
      actions = [
        "wafv2:AssociateWebACL", "wafv2:CreateWebACL", "wafv2:DeleteLoggingConfiguration", "wafv2:DeleteWebACL",
        "wafv2:DisassociateWebACL", "wafv2:GetLoggingConfiguration", "wafv2:GetWebACL", "wafv2:GetWebACLForResource",
        "wafv2:ListTagsForResource", "wafv2:PutLoggingConfiguration", "wafv2:TagResource", "wafv2:UntagResource",
        "wafv2:UpdateWebACL",
      ]
      resources = [
        "${local.arn.elasticloadbalancing}:loadbalancer/app/${local.short}*",
        "${local.arn.wafv2}:*/webacl/${local.short}*",
        "arn:${local.partition}:wafv2:*:aws:*/managedruleset/*",
      ]
    }
    Name = {
      global = true
      actions = [
        "route53:AssociateVPCWithHostedZone", "route53:ChangeResourceRecordSets", "route53:ChangeTagsForResource",
        "route53:DeleteHealthCheck", "route53:DeleteHostedZone", "route53:GetChange", "route53:GetHealthCheck",
        "route53:GetHostedZone", "route53:ListResourceRecordSets", "route53:ListTagsForResource",
        "route53:UpdateHealthCheck", "route53:UpdateHostedZoneComment",
      ]
      resources = [for kind in ["change", "healthcheck", "hostedzone"] : "${local.route53}:${kind}/*"]
    }
    MakeZonesAndChecks = {
      global    = true
      actions   = ["route53:CreateHealthCheck", "route53:CreateHostedZone"]
      resources = ["*"] # what is made has no ARN yet
    }
    MakeSites = {
      global    = true
      tagged    = "new"
      actions   = ["cloudfront:CreateDistribution", "cloudfront:CreateDistributionWithTags", "cloudfront:TagResource"]
      resources = ["${local.cloudfront}:distribution/*"]
      when      = local.not_of_another
    }
    ManageSites = {
      global = true
      tagged = "own"
      actions = [
        "cloudfront:CreateInvalidation", "cloudfront:DeleteDistribution", "cloudfront:GetDistribution",
        "cloudfront:GetDistributionConfig", "cloudfront:ListTagsForResource", "cloudfront:UntagResource",
        "cloudfront:UpdateDistribution",
      ]
      resources = ["${local.cloudfront}:distribution/*"]
    }
    # These can have no tags.
    ProtectSites = {
      global = true
      actions = [
        "cloudfront:CreateOriginAccessControl", "cloudfront:CreateResponseHeadersPolicy",
        "cloudfront:DeleteOriginAccessControl", "cloudfront:DeleteResponseHeadersPolicy",
        "cloudfront:GetOriginAccessControl", "cloudfront:GetResponseHeadersPolicy",
        "cloudfront:UpdateOriginAccessControl", "cloudfront:UpdateResponseHeadersPolicy",
      ]
      resources = ["${local.cloudfront}:origin-access-control/*", "${local.cloudfront}:response-headers-policy/*"]
    }
  }
}
