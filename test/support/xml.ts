/** A strict reader of the XML that servers print: elements, attributes, text and the five entities. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const PROLOG = /^<\?xml version="1\.0" encoding="utf-8" \?>\s*(?:<\?xml-stylesheet [^?]*\?>\s*)?/;
const TAG = /^<(\/?)([a-z_]+)((?: [a-z]+="[^"<]*")*)(\/?)>/;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** The root element; throws when the text is no XML, or more than an element. */
export function parseXml(text: string): XmlElement {
  if (FORBIDDEN.test(text)) throw new Error('a character that XML cannot hold');
  const [prolog] = PROLOG.exec(text) ?? [];
  if (prolog === undefined) throw new Error('expect an XML declaration');
  const top: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  for (let rest = text.slice(prolog.length); rest !== '';) {
    rest = rest.slice(take(rest, open, open.at(-1) ?? top));
  }
  const [root] = top.children;
  if (open.length !== 1 || !root || top.children.length > 1) throw new Error('expect one element');
  if (top.text !== '') throw new Error(`expect no text around it, got ${top.text}`);
  return root;
}

/** Takes a tag, or the text before the next one; how much that was. */
function take(rest: string, open: XmlElement[], element: XmlElement): number {
  const tag = TAG.exec(rest);
  if (tag) {
    follow(open, element, tag);
    return tag[0].length;
  }
  const [words] = /^[^<]+/.exec(rest) ?? [];
  if (words === undefined) throw new Error(`expect a tag, got ${rest.slice(0, 80)}`);
  element.text += decode(words.trim());
  return words.length;
}

function follow(open: XmlElement[], parent: XmlElement, tag: RegExpExecArray): void {
  const [, slash, name = '', attributes = '', empty] = tag;
  if (slash === '/') {
    if (open.pop()?.name !== name) throw new Error(`expect the end of another than ${name}`);
    return;
  }
  const pairs = [...attributes.matchAll(/ ([a-z]+)="([^"]*)"/g)];
  const entries = pairs.map(([, key = '', value = '']) => [key, decode(value)] as const);
  const element = { name, attributes: Object.fromEntries(entries), children: [], text: '' };
  parent.children.push(element);
  if (empty !== '/') open.push(element);
}

function decode(text: string): string {
  return text.replace(/&([a-z]*);?/g, (all, name: string) => {
    const character = ENTITIES[name];
    if (character === undefined || !all.endsWith(';')) throw new Error(`not escaped: ${all}`);
    return character;
  });
}

/** The element at a path of names below `root`, the first of each name. */
export function at(root: XmlElement, path: string): XmlElement {
  return path.split('/').reduce((element, name) => {
    const child = element.children.find((one) => one.name === name);
    if (!child) throw new Error(`no ${name} of ${path}`);
    return child;
  }, root);
}

/** Each path of names that there is, in the order of their first appearance. */
export function pathsIn({ name, children }: XmlElement, prefix = ''): string[] {
  const path = prefix + name;
  return [...new Set([path, ...children.flatMap((child) => pathsIn(child, `${path}/`))])];
}
