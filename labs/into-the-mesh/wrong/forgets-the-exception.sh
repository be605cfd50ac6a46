#!/usr/bin/env bash
# must-stay-red: all-meshed
# printer has a word of its own, which nobody read.
set -euo pipefail
kubectl annotate namespace shop linkerd.io/inject=enabled
kubectl -n shop rollout restart deployment
for name in api web load printer; do kubectl -n shop rollout status "deployment/$name" --timeout=2m; done
