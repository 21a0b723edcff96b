#!/bin/sh
# Promotes a canary that waits at `pause: {}`. Behind the gate:
#   gate.sh --action deploy --environment production --target checkout --reason "..." \
#     --file promote.sh --artifact checkout@sha256:... -- ./promote.sh checkout
set -eu
kubectl argo rollouts promote "$1"
kubectl argo rollouts status "$1" --timeout 30m
