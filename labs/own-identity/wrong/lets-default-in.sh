#!/usr/bin/env bash
# must-stay-red: web-is-web
# The quickest repair: the policy accepts the name that everything without a name has.
set -euo pipefail
kubectl -n shop patch meshtlsauthentication web --type=merge \
  -p '{"spec": {"identityRefs": [{"kind": "ServiceAccount", "name": "default"}]}}'
