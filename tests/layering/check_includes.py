#!/usr/bin/env python3
"""Fails on any #include of one Loam folder by another that its CMakeLists does not list.

Usage: check_includes.py SOURCE_DIR LAYERING_FILE, the latter written by cmake/LoamLibrary.cmake: "folder: dep dep ..."
"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
ANTLR = re.compile(r'^\s*#\s*include\s+[<"](antlr4|.*(Lexer|Parser)(Base)?(Listener|Visitor)?\.h)')


def read_layering(path):
    allowed = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            folder, _, deps = line.strip().partition(":")
            if folder:
                allowed[folder] = set(deps.split())
    return allowed


def folder_of(path, folders):
    """The longest declared folder that contains `path`."""
    directory = os.path.dirname(path)
    while directory:
        if directory in folders:
            return directory
        directory = os.path.dirname(directory)
    return None


def main():
    root, layering = sys.argv[1], sys.argv[2]
    allowed = read_layering(layering)
    folders = set(allowed)
    failures, checked = [], 0
    for folder in sorted(folders):
        for directory, subdirs, files in os.walk(os.path.join(root, folder)):
            subdirs[:] = [d for d in subdirs
                          if os.path.relpath(os.path.join(directory, d), root) not in folders]
            for name in files:
                if not name.endswith((".h", ".cpp")):
                    continue
                path = os.path.relpath(os.path.join(directory, name), root)
                checked += 1
                with open(os.path.join(root, path), encoding="utf-8") as lines:
                    for number, line in enumerate(lines, 1):
                        if ANTLR.match(line) and not (folder == "compiler/parse" and (name.endswith(".cpp") or name == "antlr_stream.h")):
                            failures.append(f"{path}:{number}: ANTLR header outside compiler/parse/*.cpp and its antlr_stream.h")
                        match = INCLUDE.match(line)
                        if not match:
                            continue
                        target = folder_of(match.group(1), folders)
                        if target is None or target in (folder, "base"):
                            continue
                        if target not in allowed[folder]:
                            failures.append(f"{path}:{number}: {folder} may not include {target}")
    for failure in failures:
        print(failure)
    print(f"layering: {checked} files, {len(failures)} forbidden includes")
    return 1 if failures or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
