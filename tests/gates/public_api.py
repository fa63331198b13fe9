"""Lists the public interface of a crate, one item per line, from the JSON that rustdoc writes.

Names are without their paths, for readability. Names that occur twice in the standard library, such
as `Result`, differ in their parameters.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# The format of rustdoc 1.95. Other formats may have other fields: see the crate `rustdoc-types`.
FORMAT = 57

# Automatic traits that programs rely on, and that a new field can remove.
AUTOMATIC = ("Send", "Sync")

# An internal trait that `derive` implements.
INTERNAL = "StructuralPartialEq"

Item = dict[str, Any]


class Crate:
    def __init__(self, document: Item) -> None:
        self.index: dict[str, Item] = document["index"]
        self.root = self.index[str(document["root"])]

    def lines(self) -> Iterator[str]:
        yield from self.module(self.root, self.root["name"])

    def module(self, module: Item, path: str) -> Iterator[str]:
        for item in self.items(module["inner"]["module"]["items"]):
            if item["visibility"] != "public":
                continue
            kind, inner = only(item["inner"])
            if kind == "use":
                target = self.index.get(str(inner["id"]))
                if target is None:
                    yield f"pub use {inner['source']}"
                else:
                    yield from self.item(target, f"{path}::{inner['name']}")
            else:
                yield from self.item(item, f"{path}::{item['name']}")

    def item(self, item: Item, path: str) -> Iterator[str]:
        kind, inner = only(item["inner"])
        marks = "".join(f"{mark} " for mark in attributes(item))
        if kind == "module":
            yield f"pub mod {path}"
            yield from self.module(item, path)
        elif kind == "function":
            yield f"{marks}pub {function(inner, path)}"
        elif kind == "constant":
            yield f"pub const {path}: {typed(inner['type'])}"
        elif kind == "type_alias":
            yield f"pub type {path}{parameters(inner['generics'])} = {typed(inner['type'])}"
        elif kind == "struct":
            yield f"{marks}pub struct {path}{parameters(inner['generics'])}"
            yield from self.fields(inner["kind"], path)
            yield from self.impls(inner["impls"], path)
        elif kind == "enum":
            yield f"{marks}pub enum {path}{parameters(inner['generics'])}"
            for variant in self.items(inner["variants"]):
                yield f"{path}::{variant['name']}"
                kind = variant["inner"]["variant"]["kind"]
                yield from self.fields(kind, f"{path}::{variant['name']}")
            yield from self.impls(inner["impls"], path)
        elif kind == "trait":
            yield f"pub trait {path}{parameters(inner['generics'])}{bounds(inner['bounds'])}"
            for member in self.items(inner["items"]):
                yield from self.member(member, path)
        else:
            raise ValueError(f"{path}: unknown kind {kind}")

    def fields(self, kind: Any, path: str) -> Iterator[str]:
        if isinstance(kind, str):
            return
        form, inner = only(kind)
        for field in self.items(inner["fields"] if form in ("plain", "struct") else inner):
            if field["visibility"] in ("public", "default"):
                yield f"pub {path}::{field['name']}: {typed(field['inner']['struct_field'])}"

    def impls(self, ids: Iterable[int], path: str) -> Iterator[str]:
        for item in self.items(ids):
            impl = item["inner"]["impl"]
            trait = impl["trait"]
            if impl["blanket_impl"] is not None or (trait and trait["path"] == INTERNAL):
                continue
            if trait is None:
                for member in self.items(impl["items"]):
                    if member["visibility"] == "public":
                        yield from self.member(member, path)
            elif not impl["is_synthetic"] or trait["path"] in AUTOMATIC:
                sign = "!" if impl["is_negative"] else ""
                yield f"impl {sign}{resolved(trait)} for {path}"

    def member(self, item: Item, path: str) -> Iterator[str]:
        kind, inner = only(item["inner"])
        path = f"{path}::{item['name']}"
        if kind == "assoc_const":
            yield f"pub const {path}: {typed(inner['type'])}"
        elif kind == "assoc_type":
            yield f"pub type {path}"
        else:
            is_provided = inner["has_body"] and item["visibility"] == "default"
            provided = " { .. }" if is_provided else ""
            marks = "".join(f"{mark} " for mark in attributes(item))
            yield f"{marks}pub {function(inner, path)}{provided}"

    def items(self, ids: Iterable[int | None]) -> Iterator[Item]:
        """Yields documented items: private and hidden ones are not in the index."""
        for number in ids:
            if str(number) in self.index:
                yield self.index[str(number)]


def attributes(item: Item) -> Iterator[str]:
    """Returns the attributes that concern callers."""
    for attribute in item["attrs"]:
        name = attribute if isinstance(attribute, str) else only(attribute)[0]
        if name in ("non_exhaustive", "must_use"):
            yield f"#[{name}]"


def function(inner: Item, path: str) -> str:
    header, sig = inner["header"], inner["sig"]
    words = [word for word in ("const", "async", "unsafe") if header[f"is_{word}"]]
    # Parameters for `impl Trait` are already shown in the arguments.
    arguments = ", ".join(argument(name, kind) for name, kind in sig["inputs"])
    output = "" if sig["output"] is None else f" -> {typed(sig['output'])}"
    generics = inner["generics"]
    words += [f"fn {path}{parameters(generics)}({arguments}){output}{where(generics)}"]
    return " ".join(words)


def argument(name: str, kind: Item) -> str:
    said = typed(kind)
    if name == "self":
        short = {"Self": "self", "&Self": "&self", "&mut Self": "&mut self"}
        return short.get(said, f"self: {said}")
    return f"{name}: {said}"


def parameters(generics: Item) -> str:
    said = []
    for parameter in generics["params"]:
        kind, inner = only(parameter["kind"])
        if kind == "lifetime":
            said.append(parameter["name"])
        elif kind == "type" and not inner["is_synthetic"]:
            said.append(parameter["name"] + bounds(inner["bounds"]))
        elif kind == "const":
            said.append(f"const {parameter['name']}: {typed(inner['type'])}")
    return f"<{', '.join(said)}>" if said else ""


def where(generics: Item) -> str:
    said = []
    for predicate in generics["where_predicates"]:
        kind, inner = only(predicate)
        if kind == "bound_predicate":
            said.append(typed(inner["type"]) + bounds(inner["bounds"]))
        elif kind == "lifetime_predicate":
            said.append(f"{inner['lifetime']}: {' + '.join(inner['outlives'])}")
    return f" where {', '.join(said)}" if said else ""


def bounds(given: list[Any]) -> str:
    return f": {bounded(given)}" if given else ""


def bounded(given: list[Any]) -> str:
    return " + ".join(map(bound, given))


def bound(given: Item) -> str:
    kind, inner = only(given)
    if kind == "trait_bound":
        sign = "?" if inner["modifier"] == "maybe" else ""
        return sign + resolved(inner["trait"])
    if kind == "use":
        return f"use<{', '.join(only(captured)[1] for captured in inner)}>"
    return str(inner)


def typed(given: Item) -> str:
    kind, inner = only(given)
    if kind in ("generic", "primitive"):
        return str(inner)
    if kind == "resolved_path":
        return resolved(inner)
    if kind == "borrowed_ref":
        lifetime = f"{inner['lifetime']} " if inner["lifetime"] else ""
        return f"&{lifetime}{'mut ' if inner['is_mutable'] else ''}{typed(inner['type'])}"
    if kind == "tuple":
        return f"({', '.join(map(typed, inner))})"
    if kind == "slice":
        return f"[{typed(inner)}]"
    if kind == "array":
        return f"[{typed(inner['type'])}; {inner['len']}]"
    if kind == "impl_trait":
        return f"impl {bounded(inner)}"
    if kind == "dyn_trait":
        traits = [resolved(poly["trait"]) for poly in inner["traits"]]
        return f"dyn {' + '.join(traits + [inner['lifetime']] * bool(inner['lifetime']))}"
    if kind == "qualified_path":
        return f"<{typed(inner['self_type'])}>::{inner['name']}"
    raise ValueError(f"unknown type {kind}")


def resolved(path: Item) -> str:
    *_, name = str(path["path"]).split("::")
    return name + arguments(path["args"])


def arguments(given: Item | None) -> str:
    if given is None:
        return ""
    kind, inner = only(given)
    if kind == "parenthesized":
        output = "" if inner["output"] is None else f" -> {typed(inner['output'])}"
        return f"({', '.join(map(typed, inner['inputs']))}){output}"
    said = []
    for one in inner["args"]:
        form, what = only(one)
        said.append(typed(what) if form == "type" else str(what))
    for constraint in inner["constraints"]:
        form, what = only(constraint["binding"])
        value = typed(only(what)[1]) if form == "equality" else bounded(what)
        said.append(f"{constraint['name']}{' =' if form == 'equality' else ':'} {value}")
    return f"<{', '.join(said)}>" if said else ""


def only(union: Any) -> tuple[str, Any]:
    """Returns the name and the content of a variant."""
    if isinstance(union, str):
        return union, None
    [(name, content)] = union.items()
    return name, content


def main() -> int:
    document = json.loads(Path(sys.argv[1]).read_text())
    if document["format_version"] != FORMAT:
        # Tells run.sh that this could not run.
        print(f"rustdoc writes format {document['format_version']}, known is {FORMAT}")
        return 77
    print(*sorted(Crate(document).lines(), key=path_and_line), sep="\n")
    return 0


def path_and_line(line: str) -> tuple[str, str]:
    """Sort key that keeps all items of a type together."""
    found = re.search(
        r"(?:^|\b(?:fn|struct|enum|trait|mod|type|const|pub|for) )(\w+(?:::\w+)+)", line
    )
    return (found[1] if found else "", line)


if __name__ == "__main__":
    sys.exit(main())
