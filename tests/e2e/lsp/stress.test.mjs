// Files are opened, edited at random places, asked about everything, and closed. Nothing may fail, and memory may not
// grow. LOAM_STRESS_DIR names other files (folders, walked, with colons between), LOAM_STRESS_EDITS how often each is
// edited, LOAM_STRESS_SEED where the random places begin; scripts/stress-lsp runs a whole corpus.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CAPABILITIES, Client, uriOf } from './client.mjs';

const source = process.env.LOAM_SOURCE_DIR;
const folders = process.env.LOAM_STRESS_DIR ? process.env.LOAM_STRESS_DIR.split(':') : ['tests/golden/lsp', 'tests/golden/ast', 'tests/golden/broken', 'tests/golden/earthfile', 'examples'].map((f) => join(source, f));
const edits = Number(process.env.LOAM_STRESS_EDITS ?? 2);

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && statSync(path).size < 200_000) yield path;
  }
}
const languageOf = (path) => {
  const name = path.split('/').pop();
  if (/\.earth$|earthfile\/corpus\//.test(path) || /^Earthfile/.test(name)) return 'earthfile';
  return /Dockerfile$/.test(name) || /dockerfile\/corpus\//.test(path) ? 'dockerfile' : null;
};

// A generator of its own, so that a failure comes again.
let state = Number(process.env.LOAM_STRESS_SEED ?? 12345);
const random = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return n > 0 ? state % n : 0; };
const PIECES = ['', '\n', '\\\n', '$', '${', '"', "'", '[', 'FROM ', 'RUN <<EOF\n', '--', '=', '😀', '\r\n', '#', ' ', 'COPY --from=', '+', '    ', 'END\n', '\0', 'é', ':', '/'];

const AT = ['completion', 'hover', 'definition', 'declaration', 'documentHighlight', 'signatureHelp', 'prepareRename', 'linkedEditingRange', 'prepareCallHierarchy'];
const WHOLE = ['documentSymbol', 'foldingRange', 'documentLink', 'codeLens', 'semanticTokens/full'];

function rss(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}

// Errors that are answers: a name that cannot be there, nothing to rename, a file that does not compile.
const REFUSALS = new Set([-32602, -32803]);

test('open, edit, ask, close', async () => {
  const client = await Client.start({ capabilities: { ...CAPABILITIES, workspace: {} } });
  const files = folders.flatMap((folder) => [...walk(folder)]).filter(languageOf);
  assert.ok(files.length > 20, `only ${files.length} files`);
  // In no order, so that one half is as the other.
  for (let i = files.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [files[i], files[j]] = [files[j], files[i]];
  }
  const failures = [];
  let asked = 0;
  const ask = async (what, method, params) => {
    asked += 1;
    try {
      return await client.request(method, params);
    } catch (error) {
      if (!REFUSALS.has(error.code)) failures.push(`${what}: ${method} ${JSON.stringify(params)}: ${error.message}`);
      return null;
    }
  };
  const each = (list, method, what) => Promise.all((list ?? []).slice(0, 3).map((item) => ask(what, method, item)));
  const half = { at: Math.floor(files.length / 2), rss: 0 };
  for (const [index, path] of files.entries()) {
    if (index === half.at) half.rss = rss(client.child.pid);
    if (process.env.LOAM_STRESS_DIR && index % 200 === 0) console.log(`${index} files, ${rss(client.child.pid)} kB`);
    const uri = uriOf(`/stress/${index}/${path.split('/').pop()}`);
    const text = readFileSync(path, 'utf8');
    await client.open(uri, text, languageOf(path));
    const lines = text.split('\n').length;
    let resultId = (await ask(path, 'textDocument/semanticTokens/full', { textDocument: { uri } }))?.resultId;
    for (let version = 2; version < 2 + edits; version++) {
      const start = { line: random(lines), character: random(40) };
      const end = random(3) ? start : { line: start.line + random(3), character: random(40) };
      const change = client.change(uri, version, [{ range: { start, end }, text: PIECES[random(PIECES.length)] }]);
      const position = { line: random(lines), character: random(60) };
      const textDocument = { uri };
      const range = { start: { line: 0, character: 0 }, end: { line: lines, character: 0 } };
      const options = { tabSize: 4, insertSpaces: true };
      const at = (method, more) => ask(path, `textDocument/${method}`, { textDocument, position: random(2) ? position : start, ...more });
      const whole = (method, more) => ask(path, `textDocument/${method}`, { textDocument, ...more });
      await Promise.all([
        change,
        ...AT.map((method) => at(method)),
        ...WHOLE.map((method) => whole(method)),
        at('completion').then((items) => each(items?.items ?? items, 'completionItem/resolve', path)),
        at('references', { context: { includeDeclaration: true } }),
        at('rename', { newName: ['other', 'OTHER', 'a-b', '', '+'][random(5)] }),
        at('onTypeFormatting', { ch: '\n', options }),
        at('prepareCallHierarchy').then((items) => Promise.all((items ?? []).flatMap((item) => [
          ask(path, 'callHierarchy/incomingCalls', { item }), ask(path, 'callHierarchy/outgoingCalls', { item })]))),
        whole('documentLink').then((links) => each(links?.filter((link) => !link.target), 'documentLink/resolve', path)),
        whole('codeLens').then((lenses) => each(lenses?.filter((lens) => !lens.command), 'codeLens/resolve', path)),
        whole('selectionRange', { positions: [position, start] }),
        whole('inlayHint', { range }),
        whole('codeAction', { range: { start, end: start }, context: { diagnostics: [] } }),
        whole('codeAction', { range, context: { diagnostics: [] } }),
        whole('formatting', { options }),
        whole('rangeFormatting', { range: { start, end: { line: start.line + 5, character: 0 } }, options }),
        whole('semanticTokens/range', { range }),
        whole('semanticTokens/full/delta', { previousResultId: resultId ?? '' }).then((answer) => { resultId = answer?.resultId; }),
        whole('diagnostic'),
        ask(path, 'workspace/symbol', { query: 'a' }),
        ask(path, 'workspace/executeCommand', { command: 'loam.graph', arguments: [uri] }),
      ]);
    }
    await client.close(uri);
  }
  const end = rss(client.child.pid);
  assert.deepEqual(failures.slice(0, 20), []);
  assert.deepEqual(client.messages.filter((m) => m.type === 1).slice(0, 5), []);
  assert.ok(end < half.rss * 1.25 + 4096, `memory grew from ${half.rss} kB to ${end} kB`);
  console.log(`${files.length} files, ${asked} requests, ${half.rss} kB in the middle, ${end} kB at the end`);
  assert.equal(await client.stop(), 0);
});
