# SPDX-License-Identifier: Apache-2.0
"""What the guards (tools/check-*) have in common: finding sources, reading C without its comments and
strings, and reporting. A guard that finds nothing to look at fails: a renamed folder must not make it
pass for ever.

Every guard takes --root DIRECTORY, so that tools/check-self-test can show it a tree with a seeded bug.
"""

import argparse
import re
import sys
from pathlib import Path

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def _blank(match, keep_strings):
    text = match.group()
    if keep_strings and text[0] == '"':
        return text
    inside = re.sub(r"[^\n]", " ", text)
    return '"' + inside[1:-1] + '"' if text[0] == '"' else inside


def code_of(text, keep_strings=False):
    """The text with comments (and what is inside strings) blanked out; every line stays where it is."""
    return TOKEN.sub(lambda m: _blank(m, keep_strings), text)


class Guard:
    def __init__(self, what):
        parser = argparse.ArgumentParser(description=what)
        parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
        self.root = parser.parse_args().root
        self.problems = []
        self.looked_at = 0

    def files(self, *patterns):
        """Paths under the root, sorted; each pattern as for Path.glob. None is a problem of its own."""
        found = sorted({p for pattern in patterns for p in self.root.glob(pattern) if p.is_file()})
        if not found:
            self.problem(f"finds no {' or '.join(patterns)}: was it moved? then this guard must follow")
        return found

    def read(self, name):
        """The text of a file that this guard cannot do without; "" and a problem when it is not there."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except OSError:
            self.problem(f"finds no {name}: was it moved? then this guard must follow")
            return ""

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def problem(self, text, path=None, line=None):
        where = f"{self.name(path)}:{line}: " if line else f"{self.name(path)}: " if path else ""
        self.problems.append(where + text)

    def at(self, path, text, offset, message):
        self.problem(message, path, text.count("\n", 0, offset) + 1)

    def finish(self):
        tool = Path(sys.argv[0]).name
        for text in self.problems:
            print(text)
        if not self.problems and not self.looked_at:
            self.problems.append("")
            print("looked at nothing")
        print(f"{tool}: {self.looked_at} looked at, {len(self.problems)} problems")
        sys.exit(1 if self.problems else 0)
