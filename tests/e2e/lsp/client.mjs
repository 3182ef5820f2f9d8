// A real client: vscode-languageserver-protocol over the server's standard input and output.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { after } from 'node:test';

const require = createRequire(import.meta.url);
export const lsp = require('vscode-languageserver-protocol/node');

export const CAPABILITIES = {
  general: { positionEncodings: ['utf-16'] },
  window: { workDoneProgress: true },
  workspace: {
    applyEdit: true, configuration: true, workspaceFolders: true, workspaceEdit: { documentChanges: true },
    didChangeWatchedFiles: { dynamicRegistration: true }, diagnostics: { refreshSupport: true },
    codeLens: { refreshSupport: true }, inlayHint: { refreshSupport: true },
  },
  textDocument: {
    publishDiagnostics: { versionSupport: true, relatedInformation: true, codeDescriptionSupport: true, tagSupport: { valueSet: [1, 2] } },
    completion: { completionItem: { snippetSupport: true, documentationFormat: ['markdown'] } },
    hover: { contentFormat: ['markdown', 'plaintext'] },
    definition: { linkSupport: false }, declaration: {}, references: {}, documentHighlight: {},
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['', 'quickfix', 'refactor', 'source'] } } },
    rename: { prepareSupport: true }, documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    semanticTokens: { requests: { full: { delta: true }, range: true }, tokenTypes: [], tokenModifiers: [], formats: ['relative'] },
    foldingRange: {}, selectionRange: {}, documentLink: {}, signatureHelp: {}, inlayHint: {}, codeLens: {}, formatting: {},
    callHierarchy: {}, linkedEditingRange: {},
  },
};

// A test that failed leaves its server behind, which would keep this process alive.
const children = new Set();
after(() => { setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), 500).unref(); });

export class Client {
  constructor(child, connection) {
    this.child = child;
    this.connection = connection;
    this.diagnostics = new Map(); // uri -> the last published ones
    this.waiting = new Map();
    this.configuration = {};
    this.applied = [];
    this.progress = [];
    this.messages = [];
    this.registered = [];
    this.exited = new Promise((ok) => child.once('exit', (code, signal) => ok(signal ?? code)));
  }

  // `more`: capabilities that replace those above; `folders`: paths.
  static async start({ folders = [], capabilities = CAPABILITIES, args = [], env = {}, initialize = true } = {}) {
    const child = spawn(process.env.LOAM, ['lsp', ...args], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    children.add(child);
    const connection = lsp.createProtocolConnection(new lsp.StreamMessageReader(child.stdout), new lsp.StreamMessageWriter(child.stdin));
    const client = new Client(child, connection);
    connection.onNotification(lsp.PublishDiagnosticsNotification.type, (p) => {
      client.diagnostics.set(p.uri, p);
      client.waiting.get(p.uri)?.splice(0).forEach((ok) => ok(p));
    });
    connection.onNotification('$/progress', (p) => client.progress.push(p));
    connection.onNotification('window/showMessage', (p) => client.messages.push(p));
    connection.onNotification('window/logMessage', (p) => client.messages.push(p));
    connection.onRequest('workspace/configuration', (p) => p.items.map((item) => client.configuration[item.section] ?? null));
    connection.onRequest('workspace/applyEdit', (p) => { client.applied.push(p.edit); return { applied: true }; });
    connection.onRequest('client/registerCapability', (p) => { client.registered.push(...p.registrations); return null; });
    connection.onRequest('window/workDoneProgress/create', () => null);
    connection.onRequest(() => null);
    connection.onError(() => {});
    connection.listen();
    if (initialize) {
      client.initialized = await connection.sendRequest('initialize', {
        processId: process.pid, rootUri: null, capabilities,
        workspaceFolders: folders.map((path) => ({ uri: uriOf(path), name: path })),
      });
      await connection.sendNotification('initialized', {});
    }
    return client;
  }

  // The diagnostics that come next for `uri`.
  published(uri) {
    return new Promise((ok) => {
      if (!this.waiting.has(uri)) this.waiting.set(uri, []);
      this.waiting.get(uri).push(ok);
    });
  }

  async open(uri, text, languageId = 'dockerfile') {
    const done = this.published(uri);
    await this.connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId, version: 1, text } });
    return (await done).diagnostics;
  }

  async change(uri, version, contentChanges) {
    const done = this.published(uri);
    await this.connection.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges });
    return (await done).diagnostics;
  }

  close(uri) {
    return this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  request(method, params, token) {
    return token ? this.connection.sendRequest(method, params, token) : this.connection.sendRequest(method, params);
  }

  ask(method, uri, line, character, more = {}) {
    return this.request(`textDocument/${method}`, { textDocument: { uri }, position: { line, character }, ...more });
  }

  async stop() {
    await this.request('shutdown');
    await this.connection.sendNotification('exit');
    const code = await this.exited;
    this.connection.dispose();
    return code;
  }
}

export function uriOf(path) {
  return 'file://' + path.split('/').map(encodeURIComponent).join('/');
}

export function applyEdits(text, edits) {
  const starts = [0, ...[...text.matchAll(/\r\n|\n|\r/g)].map((m) => m.index + m[0].length)];
  const offset = (p) => Math.min((starts[p.line] ?? text.length) + p.character, starts[p.line + 1] ?? text.length);
  return edits.map((e) => [offset(e.range.start), offset(e.range.end), e.newText])
    .sort((a, b) => b[0] - a[0] || b[1] - a[1])
    .reduce((all, [from, to, now]) => all.slice(0, from) + now + all.slice(to), text);
}

export const spanText = (text, range) => {
  const lines = text.split(/\r\n|\n|\r/);
  if (range.start.line === range.end.line) return lines[range.start.line].slice(range.start.character, range.end.character);
  return [lines[range.start.line].slice(range.start.character), ...lines.slice(range.start.line + 1, range.end.line), lines[range.end.line].slice(0, range.end.character)].join('\n');
};
