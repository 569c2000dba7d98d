#!/usr/bin/env bash
# Check and test the alerts with promtool; root on Debian gets it installed, anyone else is told what to install.
set -euo pipefail
if ! command -v promtool >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && apt-get install -y -q --no-install-recommends prometheus
    else
        echo "promtool is missing; it comes with Prometheus. On Debian or Ubuntu: sudo apt-get install prometheus" >&2
        exit 1
    fi
fi
promtool check config deploy/prometheus/prometheus.yml
promtool test rules deploy/prometheus/alerts_test.yml
