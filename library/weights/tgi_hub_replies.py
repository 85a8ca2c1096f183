#!/usr/bin/python
"""Write the Hub's answers about fetched snapshots, for a web server that is a mirror of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tgi_hub_replies
short_description: Write the Hub's answers about fetched snapshots as files
description:
  - For each commit that M(hf_snapshot) has completed in O(cache_dir), writes its list of files and
    its description into O(directory), as the Hub would answer. A web server that offers these and
    the cache is a mirror of the Hub; the role hub_mirror configures one.
  - The commit that was fetched last is C(main). Answers about commits that are no longer there go.
options:
  cache_dir:
    description: The cache that M(hf_snapshot) fills.
    type: path
    required: true
  directory:
    description: Directory of the answers. It holds nothing else.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: Says what would change.
  diff_mode:
    support: full
    description: Shows which commits are offered.
author: tgi-ansible
"""

EXAMPLES = r"""
- name: Offer what was fetched
  tgi_hub_replies:
    cache_dir: /var/lib/tgi-hub-mirror/hub
    directory: /var/lib/tgi-hub-mirror/replies
"""

RETURN = r"""
snapshots:
  description: The commits that are offered.
  returned: success
  type: list
  elements: dict
  contains:
    repository: {description: Id of the model., type: str}
    revision: {description: The commit., type: str}
    size: {description: Bytes of its files., type: int}
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.tgi.common.file_system import failing_in_words
from ansible.module_utils.tgi.weights import mirror_replies

ARGUMENTS: dict[str, Any] = {
    "cache_dir": {"type": "path", "required": True},
    "directory": {"type": "path", "required": True},
}


def main() -> None:
    """Compare what the cache has with what the directory says, and write the difference."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    directory = Path(module.params["directory"])
    with failing_in_words(module.fail_json):
        commits = mirror_replies.mirrored(Path(module.params["cache_dir"]))
        files = mirror_replies.replies(commits)
        before = mirror_replies.listed(directory)
        changed = any(mirror_replies.differences(directory, files))
        if changed and not module.check_mode:
            mirror_replies.put(directory, files)
    names = "".join(f"{name}\n" for name in sorted(files))
    after = names + files[mirror_replies.MAIN].decode()
    snapshots = [
        {
            "repository": one.manifest.repository,
            "revision": one.manifest.revision,
            "size": one.manifest.size,
        }
        for one in commits
    ]
    module.exit_json(changed=changed, snapshots=snapshots, diff={"before": before, "after": after})


if __name__ == "__main__":
    main()
