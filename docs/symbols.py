#!/usr/bin/env python3
"""Names the public symbols that have no comment of their own: ./lab docs.

    docs/symbols.py FOLDER    with the symbol graphs of the compiler

A member that fulfils a protocol has the comment of the protocol. Ends with 1 when a symbol is named.
"""
import glob
import json
import os
import sys


def bare(graph):
    """Symbols without a comment, as (file, line, name)."""
    inherited = {r["source"] for r in graph["relationships"] if "sourceOrigin" in r}
    for symbol in graph["symbols"]:
        if "docComment" in symbol or symbol["identifier"]["precise"] in inherited:
            continue
        place = symbol.get("location")
        # What the compiler makes has no place.
        if place:
            yield (
                os.path.relpath(place["uri"].removeprefix("file://")), place["position"]["line"] + 1,
                ".".join(symbol["pathComponents"]))


def main():
    files = [name for name in sorted(glob.glob(sys.argv[1] + "/*.symbols.json")) if "@" not in name]
    if not files:
        sys.exit(f"symbols: no symbol graph in {sys.argv[1]}")
    count, found = 0, []
    for name in files:
        with open(name, encoding="utf-8") as file:
            graph = json.load(file)
        count += len(graph["symbols"])
        found += bare(graph)
    for file, line, name in sorted(found):
        print(f"{file}:{line}: {name} is public and has no comment", file=sys.stderr)
    print(f"symbols: {count} are public in {len(files)} modules, {len(found)} have no comment", file=sys.stderr)
    sys.exit(1 if found else 0)


main()
