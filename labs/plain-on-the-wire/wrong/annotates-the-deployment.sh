#!/usr/bin/env bash
# must-stay-red: by-mutual-tls
# The annotation is taken from the Deployment, where it never was, and stays in its pods.
set -euo pipefail
kubectl -n shop annotate deployment api config.linkerd.io/skip-inbound-ports-
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=2m
