"""``python -m ptp_core`` is ``ptp``."""

import sys

from ptp_core.cli import main

sys.exit(main())
