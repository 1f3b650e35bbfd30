/**
 * `npm run plain-paths`: writes the plain form of the kernel's paths, engine/mm/plain, anew from the form that the explorer takes
 * (engine/mm/sched.ts), in which paths are generators. `--check` only says whether it is current. The rules:
 *
 * 1. A file of engine/mm with a generator has a plain form. It imports the plain form of what has one.
 * 2. `function*` becomes `function`, the type `Path<T>` becomes `T`, `yield* path` becomes `path`; `yield point` goes.
 * 3. A call of a function whose comment says `@plain X` becomes X, the function itself goes. `@plain nothing`: the statement goes.
 *    `@plain inline`: calls within its file become what it does (lib/inline-calls.ts), for steps that every operation takes.
 * 4. What follows from true and false is taken: `if`, `!`, `&&`, `||`. So goes what is left without a use: imports, constants, empty
 *    branches; comments go, which are the source's.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { inlineCalls } from "./lib/inline-calls.ts";

const PLAIN_TAG = "plain";
const NOTHING = "nothing";
const INLINE = "inline";

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

type FunctionNode = ts.FunctionDeclaration | ts.FunctionExpression | ts.MethodDeclaration;

function isFunctionNode(node: ts.Node): node is FunctionNode {
  return ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isMethodDeclaration(node);
}

function plainTag(node: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(node).find((each) => each.tagName.text === PLAIN_TAG);
  return tag === undefined ? undefined : String(tag.comment ?? "").trim();
}

/** What stands for a call of the function in the plain form, as its comment says; undefined: itself, or what it does. */
function plainValue(node: ts.Node): string | undefined {
  const value = plainTag(node);
  return value === INLINE ? undefined : value;
}

/** The functions of a file whose calls become what they do. */
function inlineNames({ statements }: ts.SourceFile): Set<string> {
  const names = statements.flatMap((each) =>
    ts.isFunctionDeclaration(each) && each.name !== undefined && plainTag(each) === INLINE ? [each.name.text] : [],
  );
  return new Set(names);
}

function some(node: ts.Node, holds: (node: ts.Node) => boolean): boolean {
  return holds(node) || ts.forEachChild(node, (child) => some(child, holds) || undefined) === true;
}

/** Has the file a path, besides those that the plain form does without? */
function hasPath(source: ts.SourceFile): boolean {
  return source.statements.some(
    (statement) =>
      plainValue(statement) === undefined &&
      some(statement, (node) => isFunctionNode(node) && node.asteriskToken !== undefined),
  );
}

/** Does the statement leave those that follow it, whatever happens? */
function leaves(text: string): boolean {
  const last = (statements: readonly ts.Statement[]): boolean => {
    const statement = statements.at(-1);
    if (statement === undefined) return false;
    if (ts.isBlock(statement)) return last(statement.statements);
    return ts.isReturnStatement(statement) || ts.isThrowStatement(statement);
  };
  return last(parse("x.ts", text).statements);
}

/** May the expression, as text, go? It reads, and calls nothing. */
function reads(text: string): boolean {
  return !/[(=]/.test(text.replace(/[=!]==/g, ""));
}

/** Rules 2 to 4 on one file, up to what is left without a use. */
class Transform {
  private readonly source: ts.SourceFile;
  private readonly values: ReadonlyMap<string, string>;
  private readonly paths: ReadonlySet<string>;
  /** Constants of the function at hand that are true or false. */
  private known = new Map<string, string>();

  constructor(source: ts.SourceFile, values: ReadonlyMap<string, string>, paths: ReadonlySet<string>) {
    this.source = source;
    this.values = values;
    this.paths = paths;
  }

  text(): string {
    return this.statements(this.source.statements);
  }

  /** Statements, up to one that always leaves them. */
  private statements(nodes: readonly ts.Statement[]): string {
    const texts: string[] = [];
    for (const node of nodes) {
      const text = this.statement(node);
      texts.push(text);
      if (leaves(text)) break;
    }
    return texts.join("\n");
  }

  /** The value that stands for an expression, where it is a call of a tagged function or a yield. */
  private value(node: ts.Node): string | undefined {
    if (ts.isYieldExpression(node)) {
      if (node.asteriskToken === undefined) return NOTHING;
      return node.expression === undefined ? undefined : this.value(node.expression);
    }
    return ts.isCallExpression(node) && ts.isIdentifier(node.expression)
      ? this.values.get(node.expression.text)
      : undefined;
  }

  /** The children's text in place of theirs, and what is between them as it stands. */
  private inside(node: ts.Node, replace: (child: ts.Node) => string | undefined = () => undefined): string {
    let text = "";
    let at = node.getStart(this.source);
    ts.forEachChild(node, (child) => {
      const start = child.getStart(this.source);
      text += this.source.text.slice(at, start) + (replace(child) ?? this.node(child));
      at = child.getEnd();
    });
    return text + this.source.text.slice(at, node.getEnd());
  }

  private statement(node: ts.Statement): string {
    if (plainValue(node) !== undefined) return "";
    if (ts.isExpressionStatement(node) && this.value(node.expression) !== undefined) return "";
    if (ts.isIfStatement(node)) return this.ifStatement(node);
    if (ts.isBlock(node)) return `{\n${this.statements(node.statements)}\n}`;
    if (ts.isImportDeclaration(node)) return this.importDeclaration(node);
    if (ts.isVariableStatement(node)) {
      const [{ name, initializer }] = node.declarationList.declarations;
      const value = ts.isIdentifier(name) && initializer !== undefined ? this.node(initializer) : "";
      const constant = (node.declarationList.flags & ts.NodeFlags.Const) !== 0;
      this.known.delete(name.getText(this.source));
      if (constant && (value === "true" || value === "false")) {
        this.known.set(name.getText(this.source), value);
        return "";
      }
    }
    return this.node(node);
  }

  private ifStatement(node: ts.IfStatement): string {
    const condition = this.node(node.expression);
    const then = this.statement(node.thenStatement);
    const otherwise = node.elseStatement === undefined ? "" : this.statement(node.elseStatement);
    if (condition === "true") return then;
    if (condition === "false") return otherwise;
    const empty = (text: string) => text.replace(/[{}\s]/g, "") === "";
    // A condition has no effects here.
    if (empty(then) && empty(otherwise)) return "";
    if (empty(then)) return `if (!(${condition})) ${otherwise}`;
    return `if (${condition}) ${then}${empty(otherwise) ? "" : ` else ${otherwise}`}`;
  }

  private importDeclaration(node: ts.ImportDeclaration): string {
    const from = (node.moduleSpecifier as ts.StringLiteral).text;
    const file = from.replace(/^\.\//, "");
    const moved = this.paths.has(file) ? from : from.startsWith("./") ? `../${file}` : `../${from}`;
    return this.inside(node, (child) => (child === node.moduleSpecifier ? JSON.stringify(moved) : undefined));
  }

  private node(node: ts.Node): string {
    const value = this.value(node);
    if (value !== undefined) return value;
    if (ts.isYieldExpression(node) && node.expression !== undefined) return this.node(node.expression);
    if (ts.isTypeReferenceNode(node) && node.typeName.getText(this.source) === "Path" && node.typeArguments?.[0])
      return this.node(node.typeArguments[0]);
    if (isFunctionNode(node)) {
      const outer = this.known;
      this.known = new Map(outer);
      const text = this.inside(node, (child) => (child === node.asteriskToken ? "" : undefined));
      this.known = outer;
      return text;
    }
    if (ts.isIdentifier(node) && !isMemberName(node)) return this.known.get(node.text) ?? node.text;
    if (ts.isParenthesizedExpression(node)) {
      const inner = this.node(node.expression);
      return /^[\w.]+$/.test(inner) ? inner : this.inside(node);
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      const operand = this.node(node.operand);
      if (operand === "true" || operand === "false") return String(operand === "false");
    }
    if (ts.isBinaryExpression(node)) {
      const folded = this.logical(node);
      if (folded !== undefined) return folded;
    }
    if (ts.isConditionalExpression(node)) {
      const condition = this.node(node.condition);
      if (condition === "true") return this.node(node.whenTrue);
      if (condition === "false") return this.node(node.whenFalse);
    }
    if (ts.isBlock(node) || ts.isIfStatement(node)) return this.statement(node);
    return this.inside(node);
  }

  private logical(node: ts.BinaryExpression): string | undefined {
    const and = node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken;
    if (!and && node.operatorToken.kind !== ts.SyntaxKind.BarBarToken) return undefined;
    const left = this.node(node.left);
    const right = this.node(node.right);
    // true && x, false || x: x.
    if (left === String(and)) return right;
    if (right === String(and)) return left;
    if (left === String(!and)) return left;
    return right === String(!and) && reads(left) ? right : undefined;
  }
}

/** The text without comments. */
function withoutComments(text: string): string {
  const source = parse("x.ts", text);
  const ranges: ts.TextRange[] = [];
  const visit = (node: ts.Node): void => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []) ranges.push(range);
    for (const range of ts.getTrailingCommentRanges(text, node.getEnd()) ?? []) ranges.push(range);
    node.getChildren(source).forEach(visit);
  };
  visit(source);
  const cut = new Map(ranges.map((range) => [range.pos, range.end]));
  let result = "";
  let at = 0;
  for (const [pos, end] of [...cut].sort(([a], [b]) => a - b)) {
    if (pos < at) continue;
    result += text.slice(at, pos);
    at = end;
  }
  return result + text.slice(at);
}

/** Is it the name of a member, or the key of a property? */
function isMemberName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent)) &&
    parent.name === node
  );
}

/** How often each name is used in a node, as what it names: not as a member's name, and not where it is declared. */
function uses(node: ts.Node): Map<string, number> {
  const counts = new Map<string, number>();
  const visit = (each: ts.Node): void => {
    if (ts.isIdentifier(each)) {
      const { parent } = each;
      const declared =
        (ts.isVariableDeclaration(parent) ||
          ts.isParameter(parent) ||
          ts.isFunctionDeclaration(parent) ||
          ts.isBindingElement(parent) ||
          ts.isImportSpecifier(parent) ||
          ts.isNamespaceImport(parent)) &&
        parent.name === each;
      if (!isMemberName(each) && !declared) counts.set(each.text, (counts.get(each.text) ?? 0) + 1);
    }
    ts.forEachChild(each, visit);
  };
  visit(node);
  return counts;
}

/** May the expression go where nobody uses its value? Literals and calls of functions that only compute. */
function pure(node: ts.Expression | undefined): boolean {
  if (node === undefined) return true;
  if (ts.isLiteralExpression(node) || ts.isIdentifier(node)) return true;
  if (ts.isPropertyAccessExpression(node)) return pure(node.expression);
  if (ts.isConditionalExpression(node)) return [node.condition, node.whenTrue, node.whenFalse].every(pure);
  if (!ts.isCallExpression(node)) return false;
  return (
    ["schedObject", "pteIndex", "pmdIndex", "Math.min", "Math.max"].includes(node.expression.getText()) &&
    node.arguments.every(pure)
  );
}

/** One round of taking away what is left without a use; the same text: nothing is. */
function swept(text: string): string {
  const source = parse("x.ts", text);
  const edits: { start: number; end: number; text: string }[] = [];
  const remove = (node: ts.Node, by = "") => edits.push({ start: node.getStart(source), end: node.getEnd(), text: by });
  const inFile = uses(source);
  const used = (name: ts.Node) => (inFile.get(name.getText(source)) ?? 0) > 0;
  const exported = (node: ts.Node) =>
    ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings === undefined) continue;
      if (ts.isNamespaceImport(bindings)) {
        if (!used(bindings.name)) remove(statement);
        continue;
      }
      const kept = bindings.elements.filter((each) => used(each.name));
      if (kept.length === 0) remove(statement);
      else if (kept.length < bindings.elements.length)
        remove(bindings, `{ ${kept.map((each) => each.getText(source)).join(", ")} }`);
    } else if (ts.isFunctionDeclaration(statement) && !exported(statement)) {
      if (statement.name !== undefined && !used(statement.name)) remove(statement);
    } else if (ts.isVariableStatement(statement) && !exported(statement)) {
      const [{ name }] = statement.declarationList.declarations;
      if (ts.isIdentifier(name) && !used(name)) remove(statement);
      if (!ts.isObjectBindingPattern(name)) continue;
      const kept = name.elements.filter((each) => used(each.name));
      if (kept.length === 0) remove(statement);
      else if (kept.length < name.elements.length)
        remove(name, `{ ${kept.map((each) => each.getText(source)).join(", ")} }`);
    }
  }
  if (edits.length === 0) {
    const visit = (node: ts.Node): void => {
      if (isFunctionNode(node) && node.body !== undefined) {
        const inFunction = uses(node);
        const unused = (name: ts.Node) => (inFunction.get(name.getText(source)) ?? 0) === 0;
        for (const { name } of node.parameters)
          if (ts.isIdentifier(name) && !name.text.startsWith("_") && unused(name)) remove(name, `_${name.text}`);
        const local = (each: ts.Node): void => {
          if (ts.isVariableStatement(each)) {
            const [{ name, initializer }] = each.declarationList.declarations;
            if (ts.isIdentifier(name) && unused(name) && pure(initializer)) remove(each);
          }
          ts.forEachChild(each, local);
        };
        local(node.body);
      } else ts.forEachChild(node, visit);
    };
    visit(source);
  }
  let result = text;
  for (const { start, end, text: by } of edits.sort((a, b) => b.start - a.start))
    result = result.slice(0, start) + by + result.slice(end);
  return result;
}

/** The text without all that is left without a use. */
function sweep(text: string): string {
  const next = swept(text);
  return next === text ? text : sweep(next);
}

function formatted(folder: string, name: string, text: string): string {
  const biome = join(
    fileURLToPath(new URL("..", import.meta.url)),
    "node_modules",
    "@biomejs",
    "biome",
    "bin",
    "biome",
  );
  const args = [biome, "check", "--write", `--stdin-file-path=${join(folder, name)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { input: text, encoding: "utf8" });
  if (status !== 0) throw new Error(`biome does not format the plain form of ${name}: ${stderr}\n${text}`);
  return stdout;
}

/** The plain forms of the paths in the folder `mm`, by file name, not formatted. */
function plainPaths(mm: string): Map<string, string> {
  const sources = readdirSync(mm)
    .filter((name) => name.endsWith(".ts") && !/\.(test|testing)\.ts$/.test(name))
    .map((name) => parse(name, readFileSync(join(mm, name), "utf8")));
  const values = new Map<string, string>();
  for (const { statements } of sources)
    for (const statement of statements) {
      const value = plainValue(statement);
      if (value === undefined) continue;
      const name = ts.isFunctionDeclaration(statement) ? statement.name?.text : undefined;
      if (name === undefined || values.has(name))
        throw new Error(`@plain is for functions with a name of their own: ${name}`);
      values.set(name, value);
    }
  const withPaths = sources.filter(hasPath);
  const paths = new Set(withPaths.map((source) => source.fileName));
  const result = new Map<string, string>();
  for (const source of withPaths) {
    const plain = sweep(withoutComments(new Transform(source, values, paths).text()));
    const text = sweep(inlineCalls(plain, inlineNames(source)));
    const head = `// Made from ../${source.fileName} by \`npm run plain-paths\`, which says how: change that file, not this one.\n\n`;
    result.set(source.fileName, head + text);
  }
  return result;
}

/** Writes the plain forms into `mm`/plain. `format`: null, they stay as they come. */
export function writePlainPaths(mm: string, format: typeof formatted | null): void {
  const folder = join(mm, "plain");
  const wanted = plainPaths(mm);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of wanted)
    writeFileSync(join(folder, name), format === null ? text : format(folder, name, text));
}

/** The files of `mm`/plain that are not what `mm` says. */
export function stale(mm: string): string[] {
  const folder = join(mm, "plain");
  const wanted = plainPaths(mm);
  const there = existsSync(folder) ? readdirSync(folder) : [];
  const current = (name: string): boolean => {
    const text = wanted.get(name);
    return (
      text !== undefined &&
      there.includes(name) &&
      readFileSync(join(folder, name), "utf8") === formatted(folder, name, text)
    );
  };
  return [...new Set([...wanted.keys(), ...there])].filter((name) => !current(name));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mm = fileURLToPath(new URL("../engine/mm", import.meta.url));
  const check = process.argv.includes("--check");
  if (!check) writePlainPaths(mm, formatted);
  const files = check ? stale(mm) : [];
  if (files.length > 0) {
    process.stderr.write(`engine/mm/plain is not what engine/mm says (${files.join(", ")}): npm run plain-paths\n`);
    process.exitCode = 1;
  }
}
