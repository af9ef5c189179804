import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';

/** One TypeScript file of the repository, with what the structure rules look at. */
export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  /** Module specifiers as written, of static, dynamic, re-exporting and type-only imports. */
  readonly imports: readonly string[];
  /** Clock, randomness and timers that the code reaches for by itself, as `name:line`. */
  readonly ambient: readonly string[];
}

const skippedFolders = new Set(['node_modules', 'dist', 'generated', 'coverage', '.git', '.turbo', '.engines']);

/** Reads every TypeScript file under `root`, outside of generated and installed code. */
export function readSourceFiles(root: string): SourceFile[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => walk(root, join(root, entry.name), entry));
}

function walk(root: string, path: string, entry: { name: string; isDirectory(): boolean }): SourceFile[] {
  if (entry.isDirectory()) {
    if (skippedFolders.has(entry.name)) return [];
    return readdirSync(path, { withFileTypes: true }).flatMap((child) => walk(root, join(path, child.name), child));
  }
  if (!entry.name.endsWith('.ts')) return [];
  return [parseSourceFile(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'))];
}

/** Parses one file. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return {
    path,
    lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName),
    ambient: findAmbient(tree),
  };
}

const ambientMembers = new Set(['Date.now', 'Math.random', 'performance.now']);
const ambientFunctions = new Set(['setTimeout', 'setInterval', 'setImmediate']);

function findAmbient(tree: ts.SourceFile): string[] {
  const found: string[] = [];
  const report = (name: string, node: ts.Node) => {
    found.push(`${name}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const name = node.getText().replace(/^globalThis\./, '');
      if (ambientMembers.has(name) || (name !== node.getText() && ambientFunctions.has(name))) report(name, node);
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
      report('new Date()', node);
    } else if (ts.isIdentifier(node) && ambientFunctions.has(node.text) && isFreeName(node)) {
      report(node.text, node);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** Whether a name stands for the global function: not a member's name, a parameter's, or a type. */
function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isCallExpression(parent)) return true;
  if (ts.isImportSpecifier(parent)) return true;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeQueryNode(parent) || ts.isTypeElement(parent) || ts.isClassElement(parent)) return false;
  if (ts.isFunctionDeclaration(parent) || ts.isParameter(parent) || ts.isBindingElement(parent)) return false;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return true;
}
