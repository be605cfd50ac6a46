#!/usr/bin/env bash
# must-stay-red: a-year-of-renewals
# A year in one step: the issuer ends after ninety days of it.
set -euo pipefail
academy clock advance 8760h
