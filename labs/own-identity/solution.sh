#!/usr/bin/env bash
# Each workload gets an account of its own; the policy stays as it is.
set -euo pipefail
for name in web reports; do
  kubectl -n shop create serviceaccount "$name"
  kubectl -n shop set serviceaccount deployment "$name" "$name"
  kubectl -n shop rollout status "deployment/$name" --timeout=2m
done
