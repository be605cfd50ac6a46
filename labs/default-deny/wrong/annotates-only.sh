#!/usr/bin/env bash
# must-stay-red: namespace-denies
# The namespace is annotated, and no pod is made anew: all go on as before.
set -euo pipefail
kubectl annotate namespace shop config.linkerd.io/default-inbound-policy=deny
kubectl get namespace shop -o yaml
