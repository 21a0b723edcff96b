#!/bin/sh
# An overlay behind the gate, from a clone of the repository. It sees only the copies that were hashed, in the folder in
# which it is started, and of the environment what was named: without KUBECONFIG there is no cluster.
#   deploy/gate.sh --action deploy --environment production --target milesaga --reason "..." \
#     --file deploy/examples/kubectl/deploy.sh --file deploy/kubernetes --env-file KUBECONFIG \
#     -- deploy/examples/kubectl/deploy.sh prod
set -eu
overlay=$1
echo "execution $MILESAGA_EXECUTION of request $MILESAGA_REQUEST"
kubectl apply -k "deploy/kubernetes/overlays/$overlay"
