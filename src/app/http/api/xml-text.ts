/** Owns the writing of XML: elements of text and elements of elements, with everything escaped. */

/** Longer text is cut: what peers say about themselves has no length of its own. */
const MAX_TEXT = 1024;
/** Control characters, halves of surrogate pairs and the two that are no characters: XML 1.0 cannot hold most of them. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
const TO_ESCAPE = /[&<>"']/g;
/** Most texts are only of these, and need no more than a look. */
const PLAIN = /^[\w .:/()-]*$/;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text for an element or an attribute in double quotes: escaped, without control characters, 1024 characters at most. */
export function xmlText(text: string): string {
  const short = text.slice(0, MAX_TEXT);
  if (PLAIN.test(short)) return short;
  return short.replace(FORBIDDEN, '').replace(TO_ESCAPE, (character) => escapes[character] ?? '');
}

/** `<name>text</name>`. */
export function element(name: string, text: string | number): string {
  return `<${name}>${typeof text === 'number' ? text : xmlText(text)}</${name}>`;
}

/** The same, or nothing where there is no text. */
export function optionalElement(name: string, text: string): string {
  return text === '' ? '' : element(name, text);
}
