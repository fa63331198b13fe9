"""The files of `packaging/`: valid, and doing what they say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
TOOLS = Path(sys.executable).parent


def run(
    *command: str | Path, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | variables
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
    )


def succeed(*command: str | Path, cwd: Path | None = None, **variables: str) -> str:
    done = run(*command, cwd=cwd, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def definition(name: str, version: str) -> str:
    container = {"image": "example/image", "launch_order": 1}
    fields = {"description": "", "website": "", "version": version}
    return json.dumps({name: fields | {"containers": {f"box of {name}": container}}})


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    directory = tmp_path / "catalog"
    directory.mkdir()
    for name in "abc":
        (directory / f"{name}.json").write_text(definition(name, "1"))
    names = {name: f"{name}.json" for name in "abc"}
    (directory / "root.json").write_text(json.dumps(names))
    return directory


def names_in(tree: Path, store: Path) -> list[str]:
    """Follows a tree with a new store, and returns the names of its definitions."""
    succeed("rockon-sync", "update", "--source", f"rockstor={tree}", "--store", store)
    listed = json.loads(succeed("rockon-sync", "list", "--store", store, "--json"))
    return sorted(row["name"] for row in listed)


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", "packaging/github/action.yml"),
        ("github-workflows", "packaging/github/pages.yml"),
        ("gitlab-ci", "packaging/gitlab/pages.gitlab-ci.yml"),
        ("github-workflows", ".github/workflows/ci.yml"),
        ("github-workflows", ".github/workflows/release.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/bug.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_every_file_matches_its_schema(schema: str, file: str) -> None:
    succeed(TOOLS / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", ROOT / file)


def test_the_hooks_are_valid() -> None:
    succeed(TOOLS / "pre-commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    succeed(TOOLS / "pre-commit", "validate-config", ROOT / ".pre-commit-config.yaml")


def test_every_requirements_file_is_kept_up_to_date() -> None:
    bot = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
    (pip,) = (each for each in bot["updates"] if each["package-ecosystem"] == "pip")
    tracked = succeed("git", "-C", ROOT, "ls-files", "*requirements.txt").split()
    assert set(pip["directories"]) == {f"/{Path(path).parent}" for path in tracked}


def test_the_action_passes_all_its_inputs_on() -> None:
    action = yaml.safe_load((PACKAGING / "github/action.yml").read_text())
    (step,) = action["runs"]["steps"]
    passed = {value.split(".")[1].split(" ")[0] for value in step["env"].values()}
    assert passed == set(action["inputs"])
    workflow = yaml.safe_load((PACKAGING / "github/pages.yml").read_text())
    steps = workflow["jobs"]["publish"]["steps"]
    used = next(step["with"] for step in steps if "rockon-sync" in step["uses"])
    assert set(used) <= set(action["inputs"])


def publish(catalog: Path, out: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Runs the shell of the action, as the runner does."""
    outputs = out.with_name("outputs")
    variables = {"CATALOG": str(catalog), "OUT": str(out), "GITHUB_OUTPUT": str(outputs)}
    temporary = {"RUNNER_TEMP": str(out.parent)}
    script = PACKAGING / "github/publish.sh"
    return run("bash", script, cwd=out.parent, **(variables | temporary | inputs))


def test_the_action_continues_what_is_published(catalog: Path, tmp_path: Path) -> None:
    key = tmp_path / "private.key"
    trusted = succeed("rockon-sync", "keygen", "example.org/test", "--out", key).strip()
    first, second = tmp_path / "1" / "tree", tmp_path / "2" / "tree"
    for directory in (first, second):
        directory.parent.mkdir()
    signed = {"SIGN_KEY": key.read_text(), "ARGUMENTS": "--expires-in=30\n--page\n"}
    # Nothing is published without a tree to continue.
    nothing = publish(catalog, first, PREVIOUS=str(tmp_path / "none"), **signed)
    assert nothing.returncode != 0
    assert not (first / "root.sha").exists()
    done = publish(catalog, first, PREVIOUS=str(tmp_path / "none"), INITIAL="true", **signed)
    assert done.returncode == 0, done.stderr
    outputs = first.with_name("outputs").read_text()
    assert outputs.splitlines() == ["outcome=published", "serial=1"]
    assert (first / "index.html").exists()

    (catalog / "b.json").write_text(definition("b", "2"))
    done = publish(catalog, second, PREVIOUS=str(first), **signed)
    assert done.returncode == 0, done.stderr
    assert "serial=2" in second.with_name("outputs").read_text()
    store = tmp_path / "store"
    for tree in (first, second):
        succeed(
            "rockon-sync",
            "update",
            "--source",
            f"rockstor={tree}",
            "--store",
            store,
            "--trust-key",
            trusted,
        )
    # The key is gone, also if the runner keeps its disk.
    assert not list(tmp_path.glob("*/rockon-sync.*"))


def test_the_job_of_gitlab_continues_what_is_published(catalog: Path, tmp_path: Path) -> None:
    job = yaml.safe_load((PACKAGING / "gitlab/pages.gitlab-ci.yml").read_text())["pages"]
    script = "set -eu\n" + "\n".join(job["script"])
    published = tmp_path / "published"
    for serial, initial in ((1, "--initial"), (2, "")):
        (catalog / "b.json").write_text(definition("b", str(serial)))
        work = tmp_path / f"run {serial}"
        work.mkdir()
        variables = job["variables"] | {"CATALOG": str(catalog), "INITIAL": initial}
        succeed("bash", "-c", script, cwd=work, CI_PAGES_URL=str(published), **variables)
        head = (work / "public/root.sha").read_text()
        assert f"# serial {serial}\n" in head
        shutil.rmtree(published, ignore_errors=True)
        shutil.move(work / "public", published)
    assert names_in(published, tmp_path / "store") == ["a", "b", "c"]


def test_a_copy_with_rsync_is_whole_after_every_step(catalog: Path, tmp_path: Path) -> None:
    tree, served = tmp_path / "tree", tmp_path / "served"
    log = tmp_path / "log"
    # After each step, a client follows what is there.
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    wrapper = bin_dir / "rsync"
    wrapper.write_text(f"""#!/bin/sh
{shutil.which("rsync")} "$@" || exit
if [ -e {served}/root.sha ]; then
    scratch=$(mktemp -d -p {tmp_path})
    rockon-sync update --source rockstor={served} --store "$scratch" >/dev/null || exit
    grep serial {served}/root.sha >>{log}
fi
""")
    wrapper.chmod(0o755)
    for serial in (1, 2, 3):
        (catalog / "b.json").write_text(definition("b", str(serial)))
        succeed("rockon-sync", "publish", catalog, "--out", tree, "--keep", "1")
        succeed(
            PACKAGING / "upload-with-rsync.sh",
            tree,
            served,
            PATH=f"{bin_dir}:{os.environ['PATH']}",
        )
    serials = [line.split()[-1] for line in log.read_text().splitlines()]
    assert serials == [*"11", *"1122", *"2233"]
    files = {path.relative_to(tree) for path in tree.rglob("*") if path.is_file()}
    assert files == {path.relative_to(served) for path in served.rglob("*") if path.is_file()}


def test_the_hook_checks_definitions(catalog: Path, tmp_path: Path) -> None:
    def git(directory: Path, *arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        succeed("git", "-C", directory, *identity, *arguments)

    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    for directory in (hooks, catalog):
        git(directory, "init", "--quiet")
        git(directory, "add", "--all")
        git(directory, "commit", "--quiet", "-m", "all")
    revision = succeed("git", "-C", hooks, "rev-parse", "HEAD").strip()
    hook = {"repo": str(hooks), "rev": revision, "hooks": [{"id": "rockon-sync-check"}]}
    (catalog / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [hook]}))
    git(catalog, "add", "--all")

    def check() -> subprocess.CompletedProcess[str]:
        cache = str(tmp_path / "cache")
        return run(TOOLS / "pre-commit", "run", "--all-files", cwd=catalog, PRE_COMMIT_HOME=cache)

    done = check()
    assert done.returncode == 0, done.stdout
    # A broken definition, and a name that another file has.
    for broken, message in (("{}", "expected a definition"), (definition("a", "1"), "duplicate")):
        (catalog / "b.json").write_text(broken)
        done = check()
        assert done.returncode == 1, done.stdout
        assert "b.json" in done.stdout, done.stdout
        assert message in done.stdout, done.stdout
    # The list is checked as a list.
    (catalog / "b.json").write_text(definition("b", "1"))
    (catalog / "root.json").write_text(json.dumps({"a": "a.json", "b": "missing.json"}))
    done = check()
    assert done.returncode == 1, done.stdout
    assert 'root.json:1:22: entry "b": "missing.json": no such file' in done.stdout, done.stdout
