// Stands in for the module that only the editor has: what activate() uses, and a record of what it did.
const Module = require("node:module");

const record = { commands: new Map(), terminals: [], errors: [], documents: [], settings: {} };
const mock = {
  record,
  ViewColumn: { Beside: -2 },
  EventEmitter: class {
    event = () => ({ dispose() {} });
    fire() {}
    dispose() {}
  },
  Uri: { joinPath: (uri) => ({ fsPath: uri.fsPath.replace(/\/[^/]*$/, "") }) },
  commands: {
    registerCommand: (name, run) => {
      record.commands.set(name, run);
      return { dispose() {} };
    },
  },
  workspace: {
    getConfiguration: () => ({ get: (key, otherwise) => record.settings[key] ?? otherwise }),
    createFileSystemWatcher: () => ({ dispose() {} }),
    openTextDocument: async (options) => {
      record.documents.push(options);
      return options;
    },
  },
  window: {
    activeTextEditor: undefined,
    showErrorMessage: (text) => void record.errors.push(text),
    showInformationMessage: (text) => void record.errors.push(text),
    showQuickPick: async (items) => items[items.length - 1],
    showTextDocument: async () => undefined,
    createTerminal: (options) => {
      const terminal = { options, sent: [], show() {}, sendText: (text) => terminal.sent.push(text) };
      record.terminals.push(terminal);
      return terminal;
    },
  },
};
// The client of the protocol needs the editor all through; here it only notes what it was asked.
const client = {
  TransportKind: { stdio: 0 },
  LanguageClient: class {
    constructor(id, name, server, options) {
      record.client = this;
      Object.assign(this, { id, name, server, options, started: 0, stopped: 0, requests: [] });
    }
    async start() {
      this.started += 1;
      if (record.settings.broken) {
        throw new Error("spawn loam ENOENT");
      }
    }
    async stop() {
      this.stopped += 1;
    }
    async sendRequest(method, params) {
      this.requests.push({ method, params });
      return { format: "mermaid", text: "flowchart LR\n  a --> b\n" };
    }
  },
};
const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === "vscode") {
    return mock;
  }
  return request === "vscode-languageclient/node" ? client : load.call(this, request, ...rest);
};
