"""Write the golden log of today's rules: `make golden`. What is kept is never changed, unless --replace says so."""

import sys

from tests.golden.log import RULES, file_of, lines, packed


def main() -> int:
    """Write it; 1 if there is one of other bytes."""
    file, fresh = file_of(RULES), packed(lines())
    held = file.read_bytes() if file.exists() else None
    if held == fresh:
        print(f"{file.name} is as it must be")
        return 0
    if held is not None and "--replace" not in sys.argv:
        print(
            f"{file.name} holds other bytes: old input gives new output. Raise RULES in src/drawdown/ledgers, or mend"
            " the code. If only scenarios came or went, or these rules were never released, write it with --replace"
        )
        return 1
    file.write_bytes(fresh)
    print(f"{file.name}: {len(fresh)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
