// The extension: starts the language server and adds commands. What they do lies in commands.ts, which knows no server.
import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions, TransportKind } from "vscode-languageclient/node";
import { buildArguments, graphDocument, quote, Target, targetsOf, testsOf } from "./commands";

let client: LanguageClient | undefined;

const languages = ["dockerfile", "earthfile"];

function startClient(context: vscode.ExtensionContext): LanguageClient {
  const settings = vscode.workspace.getConfiguration("loam");
  const server: ServerOptions = {
    command: settings.get<string>("path", "loam"),
    args: ["lsp", ...settings.get<string[]>("arguments", [])],
    transport: TransportKind.stdio,
  };
  const options: LanguageClientOptions = {
    documentSelector: languages.map((language) => ({ language })),
    synchronize: {
      configurationSection: "loam",
      fileEvents: vscode.workspace.createFileSystemWatcher("**/{Dockerfile*,*.Dockerfile,Earthfile,*.earth,.dockerignore,.loam.toml}"),
    },
  };
  const started = new LanguageClient("loam", "Loam", server, options);
  context.subscriptions.push({ dispose: () => void started.stop() });
  void started.start().then(undefined, (error: Error) => {
    void vscode.window.showErrorMessage(
      `Loam's language server did not start: ${error.message}. Install loam, or set loam.path.`,
    );
  });
  return started;
}

// The document of the active editor, if the server knows its language.
function activeDocument(): vscode.TextDocument | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document !== undefined && languages.includes(document.languageId) ? document : undefined;
}

async function pick(targets: Target[], title: string): Promise<Target | undefined> {
  if (targets.length <= 1) {
    return targets[0];
  }
  const chosen = await vscode.window.showQuickPick(
    targets.map((target) => ({ label: target.label, description: target.detail, target })),
    { title },
  );
  return chosen?.target;
}

async function build(choose: (text: string, language: string) => Target[], title: string): Promise<void> {
  const document = activeDocument();
  if (document === undefined) {
    return;
  }
  const targets = choose(document.getText(), document.languageId);
  if (targets.length === 0) {
    void vscode.window.showInformationMessage(`Loam: nothing to ${title} in this file`);
    return;
  }
  const target = await pick(targets, title);
  if (target === undefined) {
    return;
  }
  await document.save();
  const program = vscode.workspace.getConfiguration("loam").get<string>("path", "loam");
  const directory = vscode.Uri.joinPath(document.uri, "..").fsPath;
  const terminal = vscode.window.createTerminal({ name: `loam ${target.label}`, cwd: directory });
  terminal.show();
  terminal.sendText([program, ...buildArguments(document.languageId, document.uri.fsPath, target)].map(quote).join(" "));
}

async function showGraph(): Promise<void> {
  const document = activeDocument();
  if (document === undefined || client === undefined) {
    return;
  }
  try {
    const answer = await client.sendRequest<{ format: string; text: string }>("workspace/executeCommand", {
      command: "loam.graph",
      arguments: [document.uri.toString()],
    });
    const shown = await vscode.workspace.openTextDocument({ language: "markdown", content: graphDocument(answer.text) });
    await vscode.window.showTextDocument(shown, vscode.ViewColumn.Beside, true);
  } catch (error) {
    void vscode.window.showErrorMessage(`Loam: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function activate(context: vscode.ExtensionContext): void {
  client = startClient(context);
  context.subscriptions.push(
    vscode.commands.registerCommand("loam.buildTarget", () => build(targetsOf, "build")),
    vscode.commands.registerCommand("loam.testTarget", () => build(testsOf, "test")),
    vscode.commands.registerCommand("loam.showGraph", showGraph),
    vscode.commands.registerCommand("loam.restart", async () => {
      await client?.stop();
      client = startClient(context);
    }),
  );
}

export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}
