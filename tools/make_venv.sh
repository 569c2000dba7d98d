#!/usr/bin/env bash
# Make a virtual environment from the hashed requirements. Usage: make_venv.sh FOLDER
set -euo pipefail
folder=$1

python=""
for candidate in python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Drawdown needs Python 3.11 or newer; none was found on PATH. On Debian 12: apt-get install python3 python3-venv" >&2
    exit 1
fi

if ! "$python" -m venv "$folder" >/dev/null 2>&1; then
    rm -rf "$folder"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && apt-get install -y -q python3-venv
        "$python" -m venv "$folder"
    else
        echo "$python has no venv module. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi

"$folder/bin/pip" install -q --disable-pip-version-check --require-hashes -r requirements/base.txt -r requirements/dev.txt
"$folder/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
