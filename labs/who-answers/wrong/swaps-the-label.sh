#!/usr/bin/env bash
# must-stay-red: one-price
# Selects by one label again, and by the wrong one.
set -euo pipefail
kubectl -n shop patch service prices -p '{"spec": {"selector": {"edition": "last-year"}}}'
