/**
 * Calls of some functions of a TypeScript file become what these functions do. An engine inlines by itself, but only so much into
 * one function; what is written out is not counted. The functions are top-level declarations that do not call themselves.
 */
import ts from "typescript";

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile("x.ts", text, ts.ScriptTarget.Latest, true);
}

function descendants(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (each: ts.Node): void => {
    found.push(each);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return found;
}

/** Is the identifier the name of a member, or the key of a property or of a binding? */
function isKey(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) return parent.name === node;
  return ts.isBindingElement(parent) && parent.propertyName === node;
}

/** The names that a function or a part of it uses or declares. */
function namesIn(node: ts.Node): Set<string> {
  return new Set(descendants(node).flatMap((each) => (ts.isIdentifier(each) && !isKey(each) ? [each.text] : [])));
}

/** The names that a function declares, parameters included. */
function declaredIn(node: ts.Node): Set<string> {
  const names = new Set<string>();
  for (const each of descendants(node))
    if (
      (ts.isVariableDeclaration(each) || ts.isParameter(each) || ts.isBindingElement(each)) &&
      ts.isIdentifier(each.name)
    )
      names.add(each.name.text);
  return names;
}

function isAssignment({ operatorToken: { kind } }: ts.BinaryExpression): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function isAssigned(name: string, within: ts.Node): boolean {
  return descendants(within).some((each) => {
    const target = ts.isBinaryExpression(each)
      ? isAssignment(each) && each.left
      : (ts.isPrefixUnaryExpression(each) || ts.isPostfixUnaryExpression(each)) && each.operand;
    return target !== false && ts.isIdentifier(target) && target.text === name;
  });
}

/** Does evaluating it early or twice change nothing? Names, members of names, and literals. */
function isSimple(node: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(node)) return isSimple(node.expression);
  return ts.isIdentifier(node) || ts.isLiteralExpression(node) || isBoolean(node);
}

function isBoolean(node: ts.Expression): boolean {
  return node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword;
}

function isLoop(node: ts.Node): node is ts.IterationStatement {
  return ts.isIterationStatement(node, false);
}

/** The statement's own returns: not those of functions within it. */
function returnsIn(node: ts.Node): ts.ReturnStatement[] {
  if (ts.isReturnStatement(node)) return [node];
  if (ts.isFunctionLike(node)) return [];
  const found: ts.ReturnStatement[] = [];
  ts.forEachChild(node, (child) => {
    found.push(...returnsIn(child));
  });
  return found;
}

function listOf(statement: ts.Statement): readonly ts.Statement[] {
  return ts.isBlock(statement) ? statement.statements : [statement];
}

function leaves(statement: ts.Statement): boolean {
  const last = listOf(statement).at(-1);
  if (last === undefined) return false;
  if (ts.isIfStatement(last))
    return last.elseStatement !== undefined && leaves(last.thenStatement) && leaves(last.elseStatement);
  return ts.isReturnStatement(last) || ts.isThrowStatement(last);
}

/** What becomes of a value that the function returned: a statement. Undefined: of a function that returns none. */
type Sink = (value: string | undefined) => string;

/** The statements, the end of a function's body, with `sink` in place of every return and nothing executed after one. */
function withoutReturns(statements: readonly ts.Statement[], sink: Sink): string {
  const texts: string[] = [];
  for (const [i, statement] of statements.entries()) {
    const rest = statements.slice(i + 1);
    if (returnsIn(statement).length === 0) {
      texts.push(statement.getText());
      continue;
    }
    if (ts.isReturnStatement(statement)) texts.push(sink(statement.expression?.getText()));
    else if (ts.isIfStatement(statement)) {
      const then = listOf(statement.thenStatement);
      const otherwise = statement.elseStatement === undefined ? [] : listOf(statement.elseStatement);
      const thenLeaves = leaves(statement.thenStatement);
      if (rest.length > 0 && !thenLeaves && !(statement.elseStatement !== undefined && leaves(statement.elseStatement)))
        throw new Error(`what follows would stand twice: ${statement.getText()}`);
      const first = withoutReturns(thenLeaves ? then : [...then, ...rest], sink);
      const second = withoutReturns(thenLeaves ? [...otherwise, ...rest] : otherwise, sink);
      const condition = statement.expression.getText();
      if (first.trim() === "") texts.push(`if (!(${condition})) {\n${second}\n}`);
      else texts.push(`if (${condition}) {\n${first}\n}${second.trim() === "" ? "" : ` else {\n${second}\n}`}`);
    } else if (isLoop(statement) && rest.length === 0 && sink(undefined) === "") texts.push(withBreaks(statement));
    else throw new Error(`a return stands where it cannot be taken away: ${statement.getText()}`);
    return texts.join("\n");
  }
  return texts.join("\n");
}

/** A loop that nothing follows: its returns, of no value, are breaks. */
function withBreaks(loop: ts.IterationStatement): string {
  const nested = descendants(loop.statement).some(
    (each) => (isLoop(each) || ts.isSwitchStatement(each)) && returnsIn(each).length > 0,
  );
  if (nested) throw new Error(`a return stands in a loop within a loop: ${loop.getText()}`);
  const edits = returnsIn(loop).map((each) => ({ node: each, text: "break;" }));
  return edited(loop, edits);
}

function edited(node: ts.Node, edits: readonly { readonly node: ts.Node; readonly text: string }[]): string {
  const source = node.getSourceFile();
  const start = node.getStart(source);
  let text = node.getText(source);
  for (const { node: part, text: by } of edits.toSorted((a, b) => b.node.getStart(source) - a.node.getStart(source)))
    text = text.slice(0, part.getStart(source) - start) + by + text.slice(part.getEnd() - start);
  return text;
}

type Callee = ts.FunctionDeclaration & { readonly body: ts.Block };

/** A function's body with the arguments of one call in place of its parameters and names that its caller does not have. */
function bodyFor(callee: Callee, call: ts.CallExpression, caller: ts.Node): Callee {
  const taken = namesIn(caller);
  const fresh = (name: string): string => {
    let free = name;
    for (let n = 2; taken.has(free); n++) free = `${name}${n}`;
    taken.add(free);
    return free;
  };
  const own = declaredIn(callee);
  const callers = declaredIn(caller);
  for (const name of namesIn(callee.body))
    if (!own.has(name) && callers.has(name))
      throw new Error(`${name} is something else where ${callee.name?.text} is called`);
  const names = new Map<string, string>();
  const bound: string[] = [];
  for (const [i, { name }] of callee.parameters.entries()) {
    const argument = call.arguments[i];
    const parameter = name.getText();
    const asIs = ts.isIdentifier(argument) || isBoolean(argument);
    const assigned = isAssigned(parameter, callee.body);
    if (asIs && !assigned) names.set(parameter, argument.getText());
    else {
      const free = fresh(parameter);
      names.set(parameter, free);
      bound.push(`${assigned ? "let" : "const"} ${free} = ${argument.getText()};`);
    }
  }
  for (const name of own) if (!names.has(name)) names.set(name, fresh(name));
  const edits: { node: ts.Node; text: string }[] = [];
  for (const each of descendants(callee.body)) {
    if (!ts.isIdentifier(each) || isKey(each)) continue;
    const name = names.get(each.text);
    if (name === undefined || name === each.text) continue;
    const { parent } = each;
    const short =
      (ts.isBindingElement(parent) && parent.propertyName === undefined) || ts.isShorthandPropertyAssignment(parent);
    edits.push({ node: each, text: short ? `${each.text}: ${name}` : name });
  }
  const text = `function body() {\n${bound.join("\n")}\n${edited(callee.body, edits).slice(1)}`;
  return parse(text).statements[0] as Callee;
}

/** The expression that the function is, if it is no more than that. */
function expressionOf({ body }: Callee): ts.Expression | undefined {
  const [only] = body.statements;
  return body.statements.length === 1 && ts.isReturnStatement(only) ? only.expression : undefined;
}

/** Is the call the first thing with an effect that the statement does, and does it do it in any case? */
function comesFirst(call: ts.CallExpression, statement: ts.Statement): boolean {
  for (let node: ts.Node = call; node.parent !== statement; node = node.parent) {
    const { parent } = node;
    if (
      ts.isParenthesizedExpression(parent) ||
      ts.isPrefixUnaryExpression(parent) ||
      ts.isVariableDeclarationList(parent)
    )
      continue;
    if (ts.isVariableDeclaration(parent)) continue;
    if (ts.isBinaryExpression(parent)) {
      const assigns = parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
      if (parent.left === node || (isSimple(parent.left) && (assigns || ts.isIdentifier(parent.left)))) continue;
      return false;
    }
    if (!ts.isCallExpression(parent)) return false;
    const before = [parent.expression, ...parent.arguments];
    if (!before.slice(0, before.indexOf(node as ts.Expression)).every(isSimple)) return false;
  }
  return (
    ts.isIfStatement(statement) ||
    ts.isExpressionStatement(statement) ||
    ts.isReturnStatement(statement) ||
    ts.isVariableStatement(statement)
  );
}

/** What takes the place of the statement that the call stands in. */
function statementFor(
  call: ts.CallExpression,
  callee: Callee,
  body: Callee,
  statement: ts.Statement,
  caller: ts.Node,
): string {
  const { statements } = body.body;
  const { parent } = call;
  if (parent === statement && ts.isExpressionStatement(statement)) return withoutReturns(statements, () => "");
  if (parent === statement && ts.isReturnStatement(statement))
    return withoutReturns(statements, (value) => `return ${value};`);
  if (!comesFirst(call, statement))
    throw new Error(`the call of ${callee.name?.text} is not what comes first: ${statement.getText()}`);
  const declares = ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name);
  let name = declares ? parent.name.getText() : `${callee.name?.text}Result`;
  if (!declares) for (const taken = namesIn(caller); taken.has(name); ) name += "2";
  const after = declares ? "" : edited(statement, [{ node: call, text: name }]);
  const [only, ...others] = returnsIn(body.body);
  if (others.length === 0 && only === statements.at(-1))
    return `${withoutReturns(statements, (value) => `const ${name} = ${value};`)}\n${after}`;
  return `let ${name}: ${callee.type?.getText()};\n${withoutReturns(statements, (value) => `${name} = ${value};`)}\n${after}`;
}

function enclosing<T extends ts.Node>(node: ts.Node, is: (node: ts.Node) => node is T): T {
  const found = ts.findAncestor(node, is);
  if (found === undefined) throw new Error(`outside of everything: ${node.getText()}`);
  return found;
}

/** One call of `names` that calls none of them itself, taken away; the same text: there is none. */
function once(text: string, names: ReadonlySet<string>): string {
  const source = parse(text);
  const callees = new Map<string, Callee>();
  for (const each of source.statements)
    if (
      ts.isFunctionDeclaration(each) &&
      each.name !== undefined &&
      names.has(each.name.text) &&
      each.body !== undefined
    )
      callees.set(each.name.text, each as Callee);
  const callsIn = (node: ts.Node) =>
    descendants(node).flatMap((each) => {
      const callee = ts.isCallExpression(each) && ts.isIdentifier(each.expression) && callees.get(each.expression.text);
      return callee ? [{ call: each as ts.CallExpression, callee }] : [];
    });
  const next = callsIn(source).find(({ callee }) => callsIn(callee.body).length === 0);
  if (next === undefined) return text;
  const { call, callee } = next;
  const caller = enclosing(call, ts.isFunctionDeclaration);
  const replaced = (node: ts.Node, by: string) => text.slice(0, node.getStart()) + by + text.slice(node.getEnd());
  const body = bodyFor(callee, call, caller);
  const expression = expressionOf(body);
  if (expression !== undefined) return replaced(call, `(${expression.getText()})`);
  const statement = enclosing(call, ts.isStatement);
  const by = statementFor(call, callee, body, statement, caller);
  return replaced(statement, ts.isBlock(statement.parent) ? by : `{\n${by}\n}`);
}

/** The file's text with the calls of `names`, functions of the file, written out. */
export function inlineCalls(text: string, names: ReadonlySet<string>): string {
  for (let before = text; ; ) {
    const after = once(before, names);
    if (after === before) return after;
    before = after;
  }
}
