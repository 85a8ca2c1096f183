#!/usr/bin/python
"""Delete weights of commits that a host runs no more and returns to no more."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_prune_weights
short_description: Delete fetched weights that nothing on the host needs
description:
  - Deletes commits that M(hf_snapshot) has fetched, with the blobs and partial files that no other
    commit needs. What containers fetched themselves stays.
  - A commit stays when a container of the host names it, also a stopped one, a file of a Compose
    project or of a kept set, a branch of the repository, or O(keep).
  - A repository where a fetch works at the moment is left alone.
options:
  data_dir:
    description: Directory with the weights; the caches are in it or in its folders.
    type: path
    default: /var/lib/tgi
  base_dir:
    description: Directory of the Compose projects and kept sets. It must be there.
    type: path
    default: /opt/tgi
  serves:
    description:
      - Whether models run on the host. On a mirror of the Hub none do, so neither O(base_dir) nor
        Docker is asked, and O(keep) alone stays.
    type: bool
    default: true
  keep:
    description: Texts with further commits that stay, such as those of the inventory.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Says what would go, and how much that frees.
  diff_mode:
    support: none
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Free what old revisions hold
  tgi_prune_weights:
    keep: "{{ tgi_models | tgi_from_catalogue | map('to_json') }}"

- name: Free what a mirror of the Hub need not have
  tgi_prune_weights:
    data_dir: /var/lib/tgi-hub-mirror
    serves: false
    keep: "{{ groups['gpu_hosts'] | tgi_mirrored_snapshots(hostvars) | map('to_json') }}"
"""

RETURN = r"""
freed:
  description: Bytes that are free now, or would be.
  returned: success
  type: int
revisions:
  description: What went.
  returned: success
  type: list
  elements: dict
  contains:
    repository: {description: Id of the model., type: str}
    revision: {description: The commit., type: str}
    size: {description: Bytes that only this commit held., type: int}
lines:
  description: The same for people, with the sum, and repositories that were left alone.
  returned: success
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words, file_system_of, size
from ansible.module_utils.tgi.common.places import BASE_DIR, DATA_DIR
from ansible.module_utils.tgi.common.problem import problem
from ansible.module_utils.tgi.weights import snapshot_prune
from ansible.module_utils.tgi.weights.repository_folders import LinkedAway

ARGUMENTS: dict[str, Any] = {
    "data_dir": {"type": "path", "default": DATA_DIR},
    "base_dir": {"type": "path", "default": BASE_DIR},
    "serves": {"type": "bool", "default": True},
    "keep": {"type": "list", "elements": "str", "default": []},
}
#: File systems that other hosts may have mounted too, as the device and type end
SHARED = ("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "9p")


def main() -> None:
    """Find what is needed, and delete the rest."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    base, data = Path(module.params["base_dir"]), Path(module.params["data_dir"])
    serves = module.params["serves"]
    if serves and not base.is_dir():
        remedy = "correct tgi_base_dir; after an uninstall, uninstall_weights=true deletes weights"
        what = "is no directory, so nothing says what runs"
        module.fail_json(msg=problem(str(base), what, remedy))
    needed = snapshot_prune.commits_in("\n".join(module.params["keep"]))
    if serves:
        needed |= snapshot_prune.deployed_commits(base) | of_containers(module)
    gone: list[snapshot_prune.OldRevision] = []
    busy: list[str] = []
    with failing_in_words(module.fail_json):
        try:
            for cache in snapshot_prune.caches_in(data):
                refuse_shared(module, cache)
                found, working = snapshot_prune.prune(cache, needed, module.check_mode)
                gone += found
                busy += working
        except LinkedAway as error:
            what = "is a link, or no directory; a container may have put it there"
            remedy = "delete it on the host, and run this again"
            module.fail_json(msg=problem(str(error.path), what, remedy), changed=bool(gone))
    freed = sum(one.size for one in gone)
    lines = [one.line for one in gone]
    lines += [f"{one}: left alone, because a fetch works there" for one in busy]
    lines.append(f"{size(freed)} {'would be' if module.check_mode else 'are'} free again")
    revisions = [
        {key: one._asdict()[key] for key in ("repository", "revision", "size")} for one in gone
    ]
    module.exit_json(changed=bool(gone), freed=freed, revisions=revisions, lines=lines)


def of_containers(module: AnsibleModule) -> set[str]:
    """Return the commits that containers name in options or environment; stopped ones may start."""
    code, listed, error = module.run_command(["docker", "ps", "--all", "--quiet", "--no-trunc"])
    if code == 0 and listed.split():
        form = "{{json .Config.Env}} {{json .Config.Cmd}} {{json .Args}}"
        command = ["docker", "inspect", "--format", form, *listed.split()]
        code, listed, error = module.run_command(command)
    if code:
        what = f"cannot say what runs ({' '.join(error.split())})"
        module.fail_json(msg=problem("Docker", what, "start it, and run this again"))
    return snapshot_prune.commits_in(listed)


def refuse_shared(module: AnsibleModule, cache: Path) -> None:
    """Refuse a cache that other hosts may serve from without asking this one."""
    found = file_system_of(cache)
    if found.kind.rpartition(", ")[2].rpartition(".")[2] in SHARED:
        what = f"is on the {found.name}, and other hosts may serve from it"
        module.fail_json(msg=problem(str(cache), what, "delete old snapshots there by hand"))


if __name__ == "__main__":
    main()
