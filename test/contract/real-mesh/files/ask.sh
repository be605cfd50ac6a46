# ask.sh POD ARGS…: the status that curl sees in a pod, and its exit code where it is not 0.
pod=$1; shift
kubectl exec "$pod" -c curl -- curl -s -m 8 -o /dev/null -w "$pod %{http_code} %{exitcode}\n" "$@" 2>/dev/null
