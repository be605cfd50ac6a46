#!/usr/bin/env bash
# must-stay-red: one-service
# One member makes a union of one.
set -euo pipefail
kubectl --context east -n shop label service api mirror.linkerd.io/federated=member
