"""Compile the modules that spend a worker's time: `make compiled`. Needs a C compiler; takes a minute.

They go to a folder named after the sources (src/drawdown/compiled.py). Sets of other sources are deleted.
"""

import importlib.machinery
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

os.environ["DRAWDOWN_COMPILED"] = "0"
SOURCES = Path(__file__).parent.parent / "src"
sys.path.insert(0, str(SOURCES))

from mypyc.build import mypycify  # noqa: E402
from setuptools import setup  # type: ignore[import-untyped]  # noqa: E402

from drawdown.compiled import MODULES, SHARED, folder  # noqa: E402

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OPTIONS = ["--config-file=", f"--python-version={VERSION}", "--ignore-missing-imports", "--follow-imports=silent"]


def main() -> None:
    """Compile, if that is not done."""
    wanted = folder()
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        print(f"nothing is compiled: there is no C compiler {compiler} on PATH. Workers run all the same, slower")
        sys.exit(0 if "--if-possible" in sys.argv else 1)
    if wanted.exists():
        print(f"{wanted.name} is compiled already")
        return
    os.chdir(SOURCES)
    with tempfile.TemporaryDirectory() as made:
        paths = [f"{name.replace('.', '/')}.py" for name in MODULES]
        extensions = mypycify(
            [*OPTIONS, *paths], opt_level="1", debug_level="0", group_name="drawdown", target_dir=f"{made}/c"
        )
        arguments = ["-q", "build_ext", "--build-lib", f"{made}/lib", "--build-temp", f"{made}/objects"]
        setup(name="drawdown-compiled", ext_modules=extensions, script_args=arguments, packages=[])
        _keep(Path(made) / "lib", wanted)
    print(f"{len(MODULES)} modules are compiled")


def _keep(made: Path, wanted: Path) -> None:
    """Move the modules to their folder, which appears whole or not at all."""
    shutil.rmtree(wanted.parent, ignore_errors=True)
    fresh = wanted.with_name(f"{wanted.name}.new")
    fresh.mkdir(parents=True)
    ending = importlib.machinery.EXTENSION_SUFFIXES[0]
    for name in (SHARED, *MODULES):
        shutil.move(made / f"{name.replace('.', '/')}{ending}", fresh / f"{name}{ending}")
    fresh.rename(wanted)


if __name__ == "__main__":
    main()
