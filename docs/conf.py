# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx; C(make docs) writes the reference pages beside the others first."""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

project = "lvs.cluster"
copyright = "2026, the lvs.cluster authors"  # noqa: A001 (Sphinx' name)
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
highlight_language = "YAML+Jinja"
pygments_style = "ansible"
html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "", "topbar_links": {}, "documentation_home_url": "index.html"}
html_title = "lvs.cluster"
html_show_sphinx = False
html_copy_source = False
html_use_smartypants = False
default_role = "any"
nitpicky = True
exclude_patterns = ["build"]

# Pages of Ansible's own documentation that the reference pages point to. Known by name, so that nothing has to be fetched.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def ansible_page(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to one of those pages."""
    page = ANSIBLE_PAGES.get(node["reftarget"])
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE}/{page}") if page else None


def setup(app: Sphinx) -> None:
    """Register what this file adds to Sphinx."""
    app.connect("missing-reference", ansible_page)
