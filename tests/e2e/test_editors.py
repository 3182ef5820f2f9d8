"""What docs/editors.md says for Emacs, run in Debian's Emacs, and for editors that Debian lacks: that it is well-formed and
starts the server."""
import json
import os
import re
import subprocess
import tomllib

from support import LOAM, LoamCase, main, need_program
from test_lsp import Wire

EMACS_SCRIPT = r"""
(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'json)
(unless (fboundp 'dockerfile-mode)
  (define-derived-mode dockerfile-mode prog-mode "Dockerfile")
  (add-to-list 'auto-mode-alist '("Dockerfile\\'" . dockerfile-mode)))
(setq eglot-sync-connect 10 eglot-autoshutdown nil eglot-events-buffer-size 0)
(defun wait-until (test)
  (let ((end (+ (float-time) 20)))
    (while (and (not (funcall test)) (< (float-time) end))
      (accept-process-output nil 0.05))))
(defun ask (method line column)
  (jsonrpc-request (eglot--current-server-or-lose) method
    (list :textDocument (list :uri (eglot--path-to-uri buffer-file-name))
          :position (list :line (1- line) :character column))))
(defun visit (name)
  (find-file name)
  (apply #'eglot--connect (eglot--guess-contact))
  (flymake-start)
  (wait-until (lambda () (flymake-diagnostics))))
(let (results)
  (visit "Earthfile")
  (push (cons 'mode (symbol-name major-mode)) results)
  (push (cons 'hover (ask :textDocument/hover 5 12)) results)
  (push (cons 'definition (ask :textDocument/definition 5 12)) results)
  (push (cons 'diagnostics (vconcat (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))) results)
  (eglot-format-buffer)
  (push (cons 'formatted (buffer-string)) results)
  (visit "Dockerfile")
  (push (cons 'dockerfile (vconcat (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))) results)
  (with-temp-file "results.json" (insert (json-encode results))))
(dolist (server (apply #'append (hash-table-values eglot--servers-by-project)))
  (ignore-errors (eglot-shutdown server)))
"""


def documented(heading, language):
    """The first block of this language below the heading."""
    path = os.path.join(os.environ["LOAM_SOURCE_DIR"], "docs/editors.md")
    with open(path, encoding="utf-8") as page:
        part = page.read().split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}\n(.*?)```", part, re.S).group(1)


class Emacs(LoamCase):
    def test_both_languages(self):
        need_program("emacs")
        self.write("Earthfile", "VERSION 0.8\n\nall:\n  FROM alpine:3.20\n  BUILD +app\n\n# app is it.\napp:\n  FROM debian\n  RUN x\n")
        self.write("Dockerfile", "FROM alpine:3.20 as base\nRUN true\n")
        self.write("setup.el", documented("Emacs", "elisp"))
        self.write("test.el", EMACS_SCRIPT)
        environment = dict(os.environ, HOME=str(self.work), PATH=f"{os.path.dirname(LOAM)}:{os.environ['PATH']}")
        done = subprocess.run(["emacs", "--batch", "-l", "setup.el", "-l", "test.el"], cwd=self.work, env=environment, text=True,
                              capture_output=True, timeout=120)
        results = self.work / "results.json"
        self.assertTrue(results.exists(), done)
        found = json.loads(results.read_text())
        self.assertEqual(found["mode"], "earthfile-mode")
        self.assertIn("app is it.", json.dumps(found["hover"]))
        self.assertIn('"line": 7', json.dumps(found["definition"]))
        self.assertTrue(any("UntaggedBaseImage" in text for text in found["diagnostics"]), found)
        self.assertEqual(found["formatted"].splitlines()[3:5], ["    FROM alpine:3.20", "    BUILD +app"])
        self.assertTrue(any("FromAsCasing" in text for text in found["dockerfile"]), found)


class Described(LoamCase):
    def check_starts(self, command):
        """The command, found as an editor finds it, is a language server."""
        path = f"{os.path.dirname(LOAM)}:{os.environ['PATH']}"
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, PATH=path)) as server:
            wire = Wire(server.stdin, server.stdout)
            self.assertEqual(wire.call("initialize", {"capabilities": {}})["serverInfo"]["name"], "loam")
            wire.call("shutdown")
            wire.tell("exit")
            self.assertEqual(server.wait(timeout=10), 0)

    def test_helix(self):
        settings = tomllib.loads(documented("Helix", "toml"))
        languages = {language["name"]: language for language in settings["language"]}
        self.assertEqual(sorted(languages), ["dockerfile", "earthfile"])
        for language in languages.values():
            self.assertEqual(language["language-servers"], ["loam"])
        # A language that Helix does not have needs these as well.
        self.assertLessEqual({"scope", "file-types"}, set(languages["earthfile"]))
        server = settings["language-server"]["loam"]
        self.check_starts([server["command"], *server["args"]])

    def test_zed(self):
        settings = json.loads(documented("Zed", "json"))
        for server in settings["lsp"].values():
            self.check_starts([server["binary"]["path"], *server["binary"]["arguments"]])


if __name__ == "__main__":
    main()
