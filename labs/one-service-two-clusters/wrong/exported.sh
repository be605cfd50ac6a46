#!/usr/bin/env bash
# must-stay-red: one-service
# The label for a copy under another name, api-west, where a union was meant.
set -euo pipefail
kubectl --context east -n shop label service api mirror.linkerd.io/exported=remote-discovery
kubectl --context west -n shop label service api mirror.linkerd.io/exported=remote-discovery
