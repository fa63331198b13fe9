"""Checks that the core's directories import only from those before them, and that no directory
imports from itself in a circle through another one.

    layers.py SRC_DIR

Prints each import that runs backwards and exits with 1 if there is one. Test code may import
anything: it is the last user of everything.
"""

import re
import sys
from pathlib import Path

# The stages, in the order of the data. `docs/architecture.md` shows the same order.
LAYERS = ["base", "tree", "format", "net", "source", "store", "update", "catalog", "publish", "cli"]

# Entry points and test support stand outside of the layers.
OUTSIDE = {"lib", "main", "fuzzing", "internals", "testing"}

TEST_MODULE = re.compile(r"^#\[cfg\((?:all\()?test\b.*\)\]\n(?:pub\(crate\) )?mod (\w+)( \{|;)", re.M)
IMPORT = re.compile(r"\bcrate::(\{|\w+)")


def main(src: Path) -> int:
    test_files = {path for source in src.rglob("*.rs") for path in test_modules(source)}
    backwards = []
    for path in sorted(src.rglob("*.rs")):
        if any(path == test or test in path.parents for test in test_files):
            continue
        layer = path.relative_to(src).parts[0].removesuffix(".rs")
        if layer in OUTSIDE:
            continue
        if layer not in LAYERS:
            backwards.append(f"{path}: {layer!r} is not one of the layers {', '.join(LAYERS)}")
            continue
        for number, line in enumerate(without_tests(path.read_text()).splitlines(), start=1):
            code = line.split("//")[0]
            for target in IMPORT.findall(code):
                if target == "{":
                    backwards.append(f"{path}:{number}: name the layer: `crate::<layer>::...`")
                elif target not in LAYERS:
                    if target[0].islower():
                        backwards.append(f"{path}:{number}: imports {target!r}, which is no layer")
                    else:
                        backwards.append(f"{path}:{number}: imports {target} from the crate root")
                elif LAYERS.index(target) > LAYERS.index(layer):
                    backwards.append(f"{path}:{number}: {layer} imports from {target}")
    for line in backwards:
        print(line)
    print(f"{len(backwards)} imports against the order {' -> '.join(LAYERS)}")
    return 1 if backwards else 0


def test_modules(source: Path) -> list[Path]:
    """The files and directories of the test modules that `source` declares."""
    parent = source.parent if source.name in ("lib.rs", "main.rs") else source.with_suffix("")
    found = []
    for name, opening in TEST_MODULE.findall(source.read_text()):
        if opening == ";":
            found += [parent / f"{name}.rs", parent / name]
    return found


def without_tests(text: str) -> str:
    """Cuts off the test module at the end of a file."""
    for match in TEST_MODULE.finditer(text):
        if match.group(2) == " {":
            return text[: match.start()]
    return text


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
