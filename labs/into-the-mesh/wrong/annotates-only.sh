#!/usr/bin/env bash
# must-stay-red: all-meshed
# The namespace is annotated, and no pod is made anew.
set -euo pipefail
kubectl annotate namespace shop linkerd.io/inject=enabled
