"""Checks that each directory of the core imports only from those before it.

    layers.py SRC_DIR ARCHITECTURE_PAGE

The order is the one that the page shows, so that the page cannot be wrong. Prints each import that
runs backwards and exits with 1 if there is one. Test code may import anything.
"""

import re
import sys
from pathlib import Path

# The line of the page with the order.
ORDER = re.compile(r"^\w+(?: -> \w+){5,}$", re.M)

# Entry points and test support stand outside of the layers.
OUTSIDE = {"lib", "main", "fuzzing", "internals", "testing"}

TEST_MODULE = re.compile(
    r"^#\[cfg\((?:all\()?test\b.*\)\]\n(?:#\[.*\]\n)*(?:pub\(crate\) )?mod (\w+)( \{|;)", re.M
)
IMPORT = re.compile(r"\bcrate::(\{|\w+)")


def main(src: Path, page: Path) -> int:
    order = ORDER.search(page.read_text())
    if order is None:
        print(f"{page}: expected a line such as `base -> tree -> ...`, found none")
        return 1
    layers = order.group().split(" -> ")
    test_files = {path for source in src.rglob("*.rs") for path in test_modules(source)}
    backwards = []
    for path in sorted(src.rglob("*.rs")):
        if any(path == test or test in path.parents for test in test_files):
            continue
        layer = path.relative_to(src).parts[0].removesuffix(".rs")
        if layer in OUTSIDE:
            continue
        if layer not in layers:
            backwards.append(f"{path}: {layer!r} is not in {page}")
            continue
        for number, line in enumerate(without_tests(path.read_text()).splitlines(), start=1):
            code = line.split("//")[0]
            for target in IMPORT.findall(code):
                if target == "{":
                    backwards.append(f"{path}:{number}: name the layer: `crate::<layer>::...`")
                elif target not in layers:
                    if target[0].islower():
                        backwards.append(f"{path}:{number}: imports {target!r}, which is no layer")
                    else:
                        backwards.append(f"{path}:{number}: imports {target} from the crate root")
                elif layers.index(target) > layers.index(layer):
                    backwards.append(f"{path}:{number}: {layer} imports from {target}")
    for line in backwards:
        print(line)
    print(f"{len(backwards)} imports against the order {order.group()}")
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
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
