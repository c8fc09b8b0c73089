#!/bin/sh
# Prints the chart, with the example's values, as plain manifests: `deploy/kubernetes/render.sh > deploy/kubernetes/manifests.yaml`.
set -eu
cd "$(dirname "$0")"
echo "# The chart with values.example.yaml, for those without helm: written by render.sh."
helm template dockfleet chart --namespace dockfleet --kube-version 1.31 --values values.example.yaml |
    sed -e '/^# Source: /d' -e '/helm.sh\/chart: /d' -e '/managed-by: Helm/d'
