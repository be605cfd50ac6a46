#!/usr/bin/env bash
# must-stay-red: by-mutual-tls
# The other side leaves its proxy out as well, in the hope that two wrongs agree.
set -euo pipefail
kubectl -n shop patch deployment web --type=merge \
  -p '{"spec": {"template": {"metadata": {"annotations": {"config.linkerd.io/skip-outbound-ports": "8080"}}}}}'
kubectl -n shop rollout status deployment/web --timeout=2m
