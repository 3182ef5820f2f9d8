"""The language server in Debian's Neovim, headless: both languages, set up as docs/editors.md says."""
import json
import os
import re
import shutil
import subprocess
import unittest

from support import LOAM, LoamCase, main

SCRIPT = r"""
local results = {}
local function attach(path, language)
  vim.cmd('edit ' .. vim.fn.fnameescape(path))
  local buffer = vim.api.nvim_get_current_buf()
  results[language] = { filetype = vim.bo[buffer].filetype }
  local attached = vim.wait(10000, function()
    for _, client in pairs(vim.lsp.buf_get_clients(buffer)) do
      return client.initialized
    end
  end, 20)
  results[language].attached = attached
  vim.wait(10000, function() return #vim.diagnostic.get(buffer) > 0 end, 20)
  results[language].diagnostics = {}
  for _, each in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(results[language].diagnostics, { line = each.lnum + 1, code = each.code })
  end
  return buffer
end
local function ask(buffer, language, name, method, line, column, more)
  local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = line - 1, character = column } }
  for key, value in pairs(more or {}) do params[key] = value end
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 10000)
  for _, answer in pairs(answers or {}) do
    results[language][name] = answer.result or answer.error
  end
end

local earth = attach('Earthfile', 'earthfile')
ask(earth, 'earthfile', 'hover', 'textDocument/hover', 5, 12)
ask(earth, 'earthfile', 'definition', 'textDocument/definition', 5, 12)
ask(earth, 'earthfile', 'completion', 'textDocument/completion', 5, 11)
vim.lsp.buf.formatting_sync({}, 10000)
results.earthfile.formatted = vim.api.nvim_buf_get_lines(earth, 0, -1, false)
local docker = attach('Dockerfile', 'dockerfile')
ask(docker, 'dockerfile', 'symbols', 'textDocument/documentSymbol', 1, 1)
vim.fn.writefile({ vim.fn.json_encode(results) }, 'results.json')
vim.cmd('qall!')
"""


def documented_setup():
    """The first Lua block of docs/editors.md."""
    path = os.path.join(os.environ["LOAM_SOURCE_DIR"], "docs/editors.md")
    with open(path, encoding="utf-8") as page:
        return re.search(r"```lua\n(.*?)```", page.read(), re.S).group(1)


class Neovim(LoamCase):
    def test_both_languages(self):
        if shutil.which("nvim") is None:
            self.skip("nvim is not installed")
        self.write("Earthfile", "VERSION 0.8\n\nall:\n  FROM alpine:3.20\n  BUILD +app\n\n# app is it.\napp:\n  FROM debian\n  RUN x\n")
        self.write("Dockerfile", "FROM alpine:3.20 as base\nRUN true\nCOPY --from=base /a /b\n")
        self.write("setup.lua", documented_setup())
        self.write("test.lua", SCRIPT)
        environment = dict(os.environ, HOME=str(self.work), XDG_STATE_HOME=str(self.work / "state"),
                           PATH=f"{os.path.dirname(LOAM)}:{os.environ['PATH']}")
        done = subprocess.run(["nvim", "--headless", "--clean", "-c", "luafile setup.lua", "-c", "luafile test.lua"],
                              cwd=self.work, env=environment, text=True, capture_output=True, timeout=120)
        results = self.work / "results.json"
        self.assertTrue(results.exists(), done)
        found = json.loads(results.read_text())

        earth = found["earthfile"]
        self.assertTrue(earth["attached"], found)
        self.assertEqual(earth["filetype"], "earthfile")
        self.assertIn({"line": 9, "code": "UntaggedBaseImage"}, earth["diagnostics"])
        self.assertIn("app is it.", json.dumps(earth["hover"]))
        self.assertIn('"line": 7', json.dumps(earth["definition"]))
        items = earth["completion"]
        items = items if isinstance(items, list) else items["items"]
        self.assertIn("app", [item["label"] for item in items])
        self.assertEqual(earth["formatted"][3:5], ["    FROM alpine:3.20", "    BUILD +app"])

        docker = found["dockerfile"]
        self.assertEqual(docker["filetype"], "dockerfile")
        self.assertIn("FromAsCasing", [each["code"] for each in docker["diagnostics"]])
        self.assertIn('"base"', json.dumps(docker["symbols"]))


if __name__ == "__main__":
    main()
