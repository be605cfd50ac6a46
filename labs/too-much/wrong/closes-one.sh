#!/usr/bin/env bash
# must-stay-red: exactly-this
# The policy that opens everything goes; two smaller holes stay.
set -euo pipefail
kubectl -n shop delete authorizationpolicy until-tuesday
