#!/usr/bin/env bash
# must-stay-red: archive-answers
# The old pods are gone, and with them everything else that they were good for.
set -euo pipefail
kubectl -n shop scale deployment last-year --replicas=0
kubectl -n shop wait --for=delete pod -l edition=last-year --timeout=2m
