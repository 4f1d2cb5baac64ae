"""The scores of single items behind the table: written in batches, read back checked, compared with the means above."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ptp_core.errors import UserError, Where, shorten
from ptp_core.files import replaced_when_complete
from ptp_core.table.columns import ITEM_COLUMNS, Column
from ptp_core.table.rules import cast, check_columns

ITEMS_FILE = "items.parquet"
