#!/usr/bin/env bash
# must-stay-red: control-plane-too
# The workloads are new; the control plane that they ask still shows a certificate of yesterday.
set -euo pipefail
kubectl -n shop rollout restart deployment
sleep 10
