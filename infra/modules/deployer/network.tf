# The network. Its parts have no names, so the tag says whose they are: on what is made, and on what is changed.

locals {
  network = {
    Look = {
      actions = [
        "ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute", "ec2:DescribeAvailabilityZones",
        "ec2:DescribeFlowLogs", "ec2:DescribeInternetGateways", "ec2:DescribeNatGateways", "ec2:DescribeNetworkAcls",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribePrefixLists", "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeTags",
        "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs", "ec2:GetSecurityGroupsForVpc",
      ]
      resources = ["*"] # EC2 lets nobody name what is described
    }
    Make = {
      tagged = "new"
      actions = [
        "ec2:AllocateAddress", "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateFlowLogs", "ec2:CreateInternetGateway", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl",
        "ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint",
      ]
      resources = [for kind in local.network_kinds : "${local.arn.ec2}:${kind}/*"]
    }
    Change = {
      tagged = "own"
      actions = [
        "ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateFlowLogs", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl",
        "ec2:CreateNetworkAclEntry", "ec2:CreateRoute", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup",
        "ec2:CreateSubnet", "ec2:CreateVpcEndpoint", "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway",
        "ec2:DeleteNatGateway", "ec2:DeleteNetworkAcl", "ec2:DeleteNetworkAclEntry", "ec2:DeleteRoute",
        "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet", "ec2:DeleteTags", "ec2:DeleteVpc",
        "ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateAddress", "ec2:DisassociateRouteTable",
        "ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint",
        "ec2:ReleaseAddress", "ec2:ReplaceNetworkAclAssociation", "ec2:ReplaceNetworkAclEntry", "ec2:ReplaceRoute",
        "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
      ]
      resources = [for kind in local.network_kinds : "${local.arn.ec2}:${kind}/*"]
    }
    # Also what comes with a VPC and has no tag yet: its first group and its first list.
    Tag = {
      tagged    = "new"
      actions   = ["ec2:CreateTags"]
      resources = [for kind in local.network_kinds : "${local.arn.ec2}:${kind}/*"]
      when      = local.not_of_another
    }
    ShutWhatComesWithAVpc = {
      actions = ["ec2:DeleteNetworkAclEntry", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
      resources = [
        "${local.arn.ec2}:network-acl/*",
        "${local.arn.ec2}:security-group/*",
      ]
      when = local.not_of_another
    }
    FindServices = {
      actions = [
        "servicediscovery:GetOperation", "servicediscovery:ListNamespaces", "servicediscovery:ListServices",
        "servicediscovery:ListTagsForResource",
      ]
      resources = ["*"] # an operation has no ARN, lists are of everything
    }
    NameServices = {
      tagged    = "new"
      actions   = ["servicediscovery:CreatePrivateDnsNamespace", "servicediscovery:CreateService", "servicediscovery:TagResource"]
      resources = ["*"] # what is made has no ARN yet
      when      = local.not_of_another
    }
    RenameServices = {
      tagged = "own"
      actions = [
        "servicediscovery:CreateService", "servicediscovery:DeleteNamespace", "servicediscovery:DeleteService",
        "servicediscovery:GetNamespace", "servicediscovery:GetService", "servicediscovery:UntagResource",
        "servicediscovery:UpdatePrivateDnsNamespace", "servicediscovery:UpdateService",
      ]
      resources = ["${local.arn.servicediscovery}:namespace/*", "${local.arn.servicediscovery}:service/*"]
    }
  }

  network_kinds = [
    "elastic-ip", "internet-gateway", "natgateway", "network-acl", "route-table", "security-group",
    "security-group-rule", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log",
  ]
}
