#!/bin/sh
# Promotes a canary that waits: at `pause: {}`, or because its analysis could say nothing. Behind the gate, in this folder:
#   gate.sh --action deploy --environment production --target checkout --reason "..." \
#     --file promote.sh --artifact checkout@sha256:... --env-file KUBECONFIG -- ./promote.sh checkout
set -eu
kubectl argo rollouts -n milesaga promote "$1"
kubectl argo rollouts -n milesaga status "$1" --timeout 30m
