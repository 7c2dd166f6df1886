"""A copy of the project that a test adds something to; it counts the files that this takes."""

import hashlib
import json

from helpers.project import Project, copy_project


class Additions:
    """A copy of the project, to be added to. project: commands in it."""

    def __init__(self, folder):
        self.folder = folder if folder.exists() else copy_project(folder)
        self.project, self.before = Project(self.folder), self._digests()

    def append(self, name, text):
        """Add lines at the end of a file, which may be new."""
        with open(self.folder / name, "a") as file:
            file.write(text)

    def insert(self, name, text, before):
        """Insert lines before a line that a file has once."""
        path, line = self.folder / name, f"\n{before}\n"
        assert (found := path.read_text()).count(line) == 1, before
        path.write_text(found.replace(line, f"\n{text}{before}\n"))

    def add_row(self, name, table, row, function=""):
        """Add a row to a table of a module, such as OPTIMIZERS, and a function before it."""
        path, head = self.folder / name, f"{table} = {{"
        self.insert(name, function and f"{function}\n\n", head)
        path.write_text(path.read_text().replace(f"\n{head}\n", f"\n{head}\n    {row}\n"))

    def copy_lines(self, source, target, replaced):
        """A new file like another one, with some of its lines replaced, all of which it has."""
        text = (self.folder / source).read_text()
        for old, new in replaced.items():
            assert old in text, f"{source} has no {old!r}"
            text = text.replace(old, new)
        (self.folder / target).write_text(text)

    def changed(self):
        """The files of the package and the notebooks that were changed or added since the last
        call.
        """
        before, self.before = self.before, self._digests()
        return [name for name, digest in self.before.items() if digest != before.get(name)]

    def python(self, program, **more):
        """What a program prints, as JSON in its last line, when it has ended well."""
        done = self.project.python("-c", program, **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def pipeline(self, *command):
        """What a command prints."""
        done = self.project.python("pipeline.py", *command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _digests(self):
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for part in ("lib", "notebooks")
            for path in sorted((self.folder / part).rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
