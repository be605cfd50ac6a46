#!/usr/bin/env bash
# Two policies too many, and a star where one account was meant.
# any order
set -euo pipefail
kubectl -n shop delete authorizationpolicy until-tuesday web-everything
kubectl -n shop patch meshtlsauthentication colleagues --type=merge \
  -p '{"spec": {"identities": null, "identityRefs": [{"kind": "ServiceAccount", "name": "admin"}]}}'
