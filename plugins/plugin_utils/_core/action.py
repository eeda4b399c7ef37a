# Copyright (c) 2026, the lvs.cluster authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""Tasks that run on the controller only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ...module_utils._core.errors import LvsError
from ...module_utils._core.options import Facts, Options


class ControllerAction(ActionBase):  # type: ignore[misc]  # the parent is not typed
    """An action plugin that needs no host and changes none; C(LvsError) ends its task with C(failed)."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    ARGUMENTS: ClassVar[Facts]  # the argument specification

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> Facts:
        """The result of the task."""
        result: Facts = super().run(tmp, task_vars)
        options: Facts = self.validate_argument_spec(self.ARGUMENTS)[1]
        try:
            return {**result, "changed": False, **self.facts(options, task_vars or {})}
        except LvsError as error:
            return {**result, "failed": True, "msg": str(error)}

    def facts(self, options: Options, variables: Options) -> Facts:
        """The plugin's own return values.

        :param options: those of the task
        :param variables: those of the task's host
        """
        raise NotImplementedError

    def template_with(self, variables: Mapping[str, Any]) -> Callable[[Any], Any]:
        """What resolves a value's templates by these variables."""
        template: Callable[[Any], Any] = self._templar.copy_with_new_env(available_variables=variables).template
        return template
