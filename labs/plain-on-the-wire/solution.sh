#!/usr/bin/env bash
# The annotation leaves the pod template, and the pods are rolled over.
set -euo pipefail
kubectl -n shop patch deployment api --type=json \
  -p '[{"op": "remove", "path": "/spec/template/metadata/annotations/config.linkerd.io~1skip-inbound-ports"}]'
