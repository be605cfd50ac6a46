#!/usr/bin/env bash
# any order
# The Service asks for both labels; nothing else changes.
set -euo pipefail
# answer how-many: 3
kubectl -n shop patch service prices -p '{"spec": {"selector": {"edition": "this-year"}}}'
# answer visitor: The price of bread
