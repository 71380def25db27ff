"""The rendered tree: complete, the same every time, and written without touching others' files."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
from bench.aws import example, many

from fairway.errors import NotFound, Refused
from fairway.model.services import Resources
from fairway.targets.aws import names
from fairway.targets.aws.rendering import packages, tree
from fairway.targets.aws.rendering.roots import rendered
from fairway.targets.aws.values import values
from fairway.targets.aws.values.place import place_of
from fairway.targets.aws.values.retention import log_days
from fairway.targets.aws.values.sizes import LARGEST, Size, task_size


def test_regions_have_the_same_files_but_for_their_values() -> None:
    files = rendered(example())
    roots = [
        {p.removeprefix(f"regions/{region}/"): t for p, t in files.items() if f"/{region}/" in p}
        for region in ("eu-central-1", "eu-west-1")
    ]
    assert roots[0].keys() == roots[1].keys()
    different = {path for path, text in roots[0].items() if roots[1][path] != text}
    assert all(path.endswith((".tfvars", "backend.hcl")) for path in different)


def test_modules_are_found_from_every_root() -> None:
    files = rendered(example())
    assert '"../../modules/kms"' in files["regions/eu-west-1/main.tf"]
    assert '"../modules/kms"' in files["account/main.tf"]
    assert not any("tests/" in path for path in files)


def test_no_two_regions_share_addresses() -> None:
    standing = example()
    found = {place_of(standing, region).cidr for region in ("eu-central-1", "eu-west-1")}
    assert found == {"10.20.0.0/16", "10.21.0.0/16"}


def test_a_region_that_is_not_named_is_refused() -> None:
    with pytest.raises(NotFound):
        values(example(), "us-east-1")


def test_time_grows_with_the_number_of_services_and_not_faster() -> None:
    few, more = (_seconds(many(count)) for count in (20, 160))
    assert more < few * 8 * 4


def _seconds(standing: object) -> float:
    def once() -> float:
        begun = time.process_time()  # what others do on this machine does not count
        rendered(standing)  # type: ignore[arg-type]
        return time.process_time() - begun

    return min(once() for _ in range(3))


def test_a_folder_of_somebody_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Refused):
        tree.write_tree(tmp_path, {"a": "b"}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_second_rendering_removes_what_the_first_one_left_and_nothing_else(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "out"
    tree.write_tree(folder, {"a.tf": "1", "b/c.tf": "2"}, {"x.zip": b"3"})
    (folder / ".terraform").mkdir()
    stamp = (folder / "a.tf").stat().st_mtime_ns
    tree.write_tree(folder, {"a.tf": "1"}, {"x.zip": b"4"})
    assert not (folder / "b/c.tf").exists() and (folder / ".terraform").is_dir()
    assert (folder / "a.tf").stat().st_mtime_ns == stamp
    assert (folder / "x.zip").read_bytes() == b"4"


def test_somebodys_changes_are_kept_unless_the_folder_is_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    tree.write_tree(folder, {"a.tf": "1", "b.tf": "1"}, {}, "unchanged")
    tree.write_tree(folder, {"a.tf": "2", "b.tf": "1"}, {}, "unchanged")
    (folder / "a.tf").write_text("mine")
    with pytest.raises(Refused, match=r"changed a\.tf"):
        tree.write_tree(folder, {"b.tf": "2"}, {}, "unchanged")
    assert (folder / "a.tf").read_text() == "mine" and (folder / "b.tf").read_text() == "1"
    tree.write_tree(folder, {"a.tf": "3"}, {}, "own")
    assert (folder / "a.tf").read_text() == "3"


@pytest.mark.parametrize("where", ["new", "unchanged"])
def test_an_interrupted_rendering_can_be_done_again(tmp_path: Path, where: tree.Where) -> None:
    folder = tmp_path / "out"
    with pytest.raises(OSError, match="b"):  # a file cannot have files below it
        tree.write_tree(folder, {"b": "1", "b/c": "2"}, {}, where)
    assert (folder / "b").is_file()
    tree.write_tree(folder, {"b": "3"}, {}, where)
    assert (folder / "b").read_text() == "3"


def test_the_readme_says_what_ends_with_fairway() -> None:
    text = rendered(example())["README.md"]
    for said in (
        "aws s3 sync config/eu-west-1 s3://", "put-secret-value", "rds_iam", "authority.pem",
        "weighted_clusters", "after seven days", "images/sidecar", "cd control-plane",
        "cd registry", "signing/renew.py", "--filters Key=name,Values=axon-orbit-prod/fairway/",
    ):  # fmt: skip
        assert said in text
    assert "images/sidecar/Dockerfile" in rendered(example())


def test_zips_are_the_same_bytes_every_time() -> None:
    files = {"b.py": b"2", "a/a.py": b"1"}
    assert packages.zipped(files) == packages.zipped(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(packages.zipped(files))) as archive:
        assert archive.namelist() == ["a/a.py", "b.py"]
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_every_package_is_there_without_a_network() -> None:
    assert {"packages/identity.zip", "packages/rotation.zip"} <= tree.archives(wheels=False).keys()


@pytest.mark.parametrize("limit", [20, 32, 64])
def test_long_names_are_short_and_different(limit: int) -> None:
    one, two = (names.short("a-very-long-name-" * 5 + end, limit) for end in ("x", "y"))
    assert one != two and len(one) <= limit and len(two) <= limit


def test_names_fit_what_aws_allows() -> None:
    app, environment, thing = "a" * 40, "e" * 40, "s" * 40
    assert len(names.target_group(app, environment, thing, "a")) <= 32
    assert len(names.role(app, environment, thing, "ap-southeast-1")) <= 64
    assert len(names.bucket(app, environment, thing, "1" * 12, "ap-southeast-1")) <= 63


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (0.25, 256, Size(512, 1024)),  # with 96 units and 320 MiB beside it
        (0.15, 128, Size(256, 512)),
        (1, 2048, Size(2048, 4096)),
        (64, 2**18, LARGEST),
    ],
)
def test_tasks_have_sizes_that_exist(cpu: float, memory: int, size: Size) -> None:
    resources = Resources(cpu=cpu, memory=memory * 2**20)
    assert task_size(resources, sidecar=True, collector=True) == size


def test_logs_are_kept_at_least_as_long_as_asked_for() -> None:
    assert [log_days(days * 86400) for days in (1, 2, 400, 9999)] == [1, 3, 400, 3653]
