#!/usr/bin/env bash
# must-stay-red: one-price
# The wrong answers become rarer.
set -euo pipefail
kubectl -n shop scale deployment prices --replicas=3
kubectl -n shop rollout status deployment/prices --timeout=2m
