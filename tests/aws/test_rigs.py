"""The rigs themselves: moto answers over HTTP and forgets; Terraform finds its provider."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.aws import terraform_rig
from tests.aws.moto_rig import Moto
from tests.aws.terraform_rig import Terraform

pytestmark = pytest.mark.aws


def test_what_one_test_made_the_next_does_not_see(moto: Moto) -> None:
    moto.client("sqs").create_queue(QueueName="one")
    assert moto.client("sqs").list_queues()["QueueUrls"]
    moto.reset()
    assert "QueueUrls" not in moto.client("sqs").list_queues()


def test_a_scaling_policy_that_is_gone_is_not_found_as_aws_says(moto: Moto) -> None:
    client = moto.client("application-autoscaling")
    with pytest.raises(client.exceptions.ObjectNotFoundException):
        client.delete_scaling_policy(
            PolicyName="cpu",
            ServiceNamespace="ecs",
            ResourceId="service/shop-prod/orders-r1",
            ScalableDimension="ecs:service:DesiredCount",
        )


def test_a_bucket_can_be_emptied_of_its_delete_markers_as_well(moto: Moto) -> None:
    s3, bucket = moto.client("s3"), {"Bucket": "markers"}
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(**bucket, Key="lock", Body=b"held")
    s3.delete_object(**bucket, Key="lock")
    there = s3.list_object_versions(**bucket)
    versions = [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for each in (*there["Versions"], *there["DeleteMarkers"])
    ]
    s3.delete_objects(**bucket, Delete={"Objects": versions})
    s3.delete_bucket(**bucket)


def test_rotation_of_a_secret_without_a_value_can_be_switched_on(moto: Moto) -> None:
    secrets = moto.client("secretsmanager")
    function = "arn:aws:lambda:eu-central-1:123456789012:function:rotation"
    secrets.create_secret(Name="empty")
    rules = {"AutomaticallyAfterDays": 7}
    secrets.rotate_secret(
        SecretId="empty", RotationLambdaARN=function, RotationRules=rules, RotateImmediately=False
    )
    found = secrets.describe_secret(SecretId="empty")
    assert (found["RotationEnabled"], found["RotationLambdaARN"]) == (True, function)
    assert found["RotationRules"] == rules


def test_the_environment_points_at_moto_alone(moto: Moto) -> None:
    import boto3

    assert os.environ["AWS_ENDPOINT_URL"] == moto.url
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_terraform_applies_to_moto_and_keeps_its_state_there(
    moto: Moto, terraform: Terraform
) -> None:
    moto.client("s3").create_bucket(
        Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    (terraform.folder / "main.tf").write_text(
        """
        terraform {
          required_providers {
            aws = { source = "hashicorp/aws", version = ">= 5.100, < 7.0" }
          }
          backend "s3" {
            bucket       = "state"
            key          = "one"
            region       = "eu-central-1"
            use_lockfile = true
          }
        }
        provider "aws" {
          region = "eu-central-1"
        }
        resource "aws_sqs_queue" "jobs" {
          name = "jobs"
        }
        """
    )
    terraform = terraform.within(terraform.folder, moto.environment())
    terraform.init("-backend-config=use_path_style=true")  # no DNS knows state.127.0.0.1
    terraform.run("apply", "-auto-approve", "-no-color")
    assert moto.client("sqs").get_queue_url(QueueName="jobs")
    assert moto.client("s3").head_object(Bucket="state", Key="one")
    terraform.run("plan", "-detailed-exitcode", "-no-color")
    terraform.run("destroy", "-auto-approve", "-no-color")
    assert "QueueUrls" not in moto.client("sqs").list_queues()


def test_backups_are_copied_to_another_region(moto: Moto, terraform: Terraform) -> None:
    """No applied app has this: databases in two regions (`infra/roots/region/data.tf`)."""
    moto.client("rds", "eu-central-1").create_db_instance(
        DBInstanceIdentifier="orders", DBInstanceClass="db.t4g.micro", Engine="postgres",
        MasterUsername="admin", MasterUserPassword="geheimgeheim", AllocatedStorage=20,
    )  # fmt: skip
    (terraform.folder / "main.tf").write_text(
        """
        provider "aws" {
          region = "eu-west-1"
        }
        resource "aws_db_instance_automated_backups_replication" "orders" {
          source_db_instance_arn = "arn:aws:rds:eu-central-1:123456789012:db:orders"
          retention_period       = 14
        }
        """
    )
    terraform = terraform.within(terraform.folder, moto.environment())
    terraform.init()
    terraform.run("apply", "-auto-approve", "-no-color")
    source = moto.client("rds", "eu-central-1").describe_db_instances()["DBInstances"][0]
    [copy] = source["DBInstanceAutomatedBackupsReplications"]
    assert ":rds:eu-west-1:" in copy["DBInstanceAutomatedBackupsArn"]
    terraform.run("plan", "-detailed-exitcode", "-no-color")
    terraform.run("destroy", "-auto-approve", "-no-color")
    source = moto.client("rds", "eu-central-1").describe_db_instances()["DBInstances"][0]
    assert not source.get("DBInstanceAutomatedBackupsReplications")


def test_a_mirror_is_found_by_its_variable_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAIRWAY_TERRAFORM_MIRROR", str(tmp_path))
    terraform_rig.find_mirror.cache_clear()
    try:
        assert terraform_rig.find_mirror() is None
        (tmp_path / terraform_rig.PROVIDER).mkdir(parents=True)
        terraform_rig.find_mirror.cache_clear()
        assert terraform_rig.find_mirror() == tmp_path
    finally:
        terraform_rig.find_mirror.cache_clear()
