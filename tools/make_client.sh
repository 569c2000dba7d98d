#!/usr/bin/env bash
# Generate a Python client of the HTTP API from schemas/openapi.json. Usage: make_client.sh VENV FOLDER
# VENV gets the generator and what the client needs; the client is FOLDER/drawdown_client.
set -euo pipefail
venv=$(realpath -m "$1") folder=$(realpath -m "$2")
cd "$(dirname "$0")/.."

if [ ! -x "$venv/bin/openapi-python-client" ] || [ requirements/client.txt -nt "$venv/.ready" ]; then
    python="${PYTHON:-.venv/bin/python}"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r requirements/client.txt
    touch "$venv/.ready"
fi
mkdir -p "$folder"
PATH="$venv/bin:$PATH" "$venv/bin/openapi-python-client" generate --path schemas/openapi.json \
    --output-path "$folder/drawdown_client" --meta none --overwrite
