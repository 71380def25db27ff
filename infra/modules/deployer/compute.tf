# Tasks, functions and images.

locals {
  compute = {
    Look = {
      actions = [
        "ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListServices", "ecs:ListTaskDefinitions",
        "ecs:ListTasks", "ecr:GetAuthorizationToken",
      ]
      resources = ["*"] # ECS and ECR know no resource for these
    }
    Run = {
      actions = [
        "ecs:CreateCluster", "ecs:CreateService", "ecs:DeleteCluster", "ecs:DeleteService", "ecs:DescribeClusters",
        "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListTagsForResource", "ecs:PutClusterCapacityProviders",
        "ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StopTask", "ecs:TagResource", "ecs:UntagResource",
        "ecs:UpdateCluster", "ecs:UpdateClusterSettings", "ecs:UpdateService",
      ]
      resources = [
        "${local.arn.ecs}:cluster/${var.name}",
        "${local.arn.ecs}:service/${var.name}/*",
        "${local.arn.ecs}:task/${var.name}/*",
        "${local.arn.ecs}:task-definition/${var.name}-*:*",
      ]
    }
    Scale = {
      actions = [
        "application-autoscaling:DeleteScalingPolicy", "application-autoscaling:DeleteScheduledAction",
        "application-autoscaling:DeregisterScalableTarget", "application-autoscaling:ListTagsForResource",
        "application-autoscaling:PutScalingPolicy", "application-autoscaling:PutScheduledAction",
        "application-autoscaling:RegisterScalableTarget", "application-autoscaling:TagResource",
        "application-autoscaling:UntagResource",
      ]
      resources = ["${local.arn["application-autoscaling"]}:scalable-target/*"]
    }
    LookAtScaling = {
      actions = [
        "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
      ]
      resources = ["*"] # lists are of everything
    }
    Decide = {
      actions = [
        "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias",
        "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency", "lambda:GetAlias", "lambda:GetFunction",
        "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration", "lambda:GetPolicy",
        "lambda:ListTags", "lambda:ListVersionsByFunction", "lambda:PublishVersion", "lambda:PutFunctionConcurrency",
        "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
      ]
      resources = ["${local.arn.lambda}:function:${var.name}-*"]
    }
    # Whoever switches a rotation on must be allowed to call its function.
    Renew = {
      actions   = ["lambda:InvokeFunction"]
      resources = ["${local.arn.lambda}:function:${var.name}-*-rotation"]
    }
    Push = {
      actions = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
        "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage",
        "ecr:UploadLayerPart",
      ]
      resources = ["${local.arn.ecr}:repository/${var.name}/*"]
    }
  }
}
