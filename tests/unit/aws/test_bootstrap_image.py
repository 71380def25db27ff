"""The control plane runs the image that was pushed last, also when nothing is pushed."""

from __future__ import annotations

import time
from pathlib import Path

from tests.aws.moto_rig import ACCOUNT, REGION, Moto
from tests.aws_target_rig import clients_of

from fairway.targets.aws.bootstrap import CONTROL_PLANE, Bootstrap, Telling
from fairway.targets.aws.place import Place
from fairway.targets.aws.terraform.runner import silent
from fairway.targets.aws.terraform.site import Site

PUSHED = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop-prod/fairway@sha256:{'0' * 64}"


def bootstrap(moto: Moto, folder: Path) -> Bootstrap:
    place = Place("shop", "prod", REGION, clients_of(moto.url), time.time)
    site = Site("shop", "prod", REGION, lambda: ACCOUNT, folder, {})
    texts = {f"{CONTROL_PLANE}/main.tf": "# rendered\n"}
    return Bootstrap(site, place, texts, Telling(lambda _root: None, silent))


async def test_a_later_run_that_pushes_nothing_keeps_the_image(moto: Moto, tmp_path: Path) -> None:
    await bootstrap(moto, tmp_path).serve(PUSHED)
    (file,) = tmp_path.rglob("image.auto.tfvars")
    assert file.read_text() == f'image = "{PUSHED}"\n'
    await bootstrap(moto, tmp_path).run()
    assert PUSHED in file.read_text()
    await bootstrap(moto, tmp_path).serve(PUSHED.replace("0", "1"))
    assert PUSHED not in file.read_text()
