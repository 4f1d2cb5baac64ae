#!/usr/bin/env bash
# Run by Snakemake inside the new conda environment, in the project's folder: installs this project itself.
set -euo pipefail
python -m pip install --no-deps --no-build-isolation --editable .
