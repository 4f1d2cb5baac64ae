"""Paths as written in a spec."""

from __future__ import annotations

import os
import re

from ptp_core.errors import UserError, Where


def expand_variables(text: str, where: Where, subject: str) -> str:
    """Replace ``${NAME}`` by environment variables; raises UserError for one that is not set."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UserError(
                f"the environment variable {match[1]} is not set", where=where, subject=subject, got=text,
                fix=f"export {match[1]}=…",
            )  # fmt: skip
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)
