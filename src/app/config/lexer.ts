/** Owns the characters of the configuration language: text in, words and punctuation out. */
import { ErrorCode } from '../../core/errors';

import { ConfigError } from './config-error';

/**
 * One token. `word` carries its text; `end` is the end of the file. The lines are those where the
 * token begins.
 */
export interface Token {
  readonly kind: 'word' | 'semicolon' | 'open' | 'close' | 'end';
  readonly text: string;
  readonly line: number;
}

const BYTE_ORDER_MARK = '\ufeff';

/** Splits one file into tokens, counting lines from 1. Comments and white space are dropped. */
export class Lexer {
  private readonly text: string;
  private readonly file: string;
  private at: number;
  private line = 1;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  }

  /** The next token; `end` again and again after the last. Throws ConfigError on a broken one. */
  next(): Token {
    this.skipBlanks();
    const line = this.line;
    const char = this.text[this.at];
    switch (char) {
      case undefined:
        return { kind: 'end', text: '', line };
      case ';':
        this.at++;
        return { kind: 'semicolon', text: char, line };
      case '{':
        this.at++;
        return { kind: 'open', text: char, line };
      case '}':
        this.at++;
        return { kind: 'close', text: char, line };
      case '"':
      case "'":
        return { kind: 'word', text: this.quoted(char), line };
      default:
        return { kind: 'word', text: this.bare(), line };
    }
  }

  private skipBlanks(): void {
    for (; this.at < this.text.length; this.at++) {
      const char = this.text[this.at];
      if (char === '#') {
        const newline = this.text.indexOf('\n', this.at);
        this.at = newline < 0 ? this.text.length : newline;
      }
      if (this.text[this.at] === '\n') this.line++;
      else if (this.at < this.text.length && !isBlank(this.text[this.at])) return;
    }
  }

  /** A word up to white space, `;` or `{`. A `}`, `#` or quote inside it is an ordinary character. */
  private bare(): string {
    const start = this.at;
    while (!isWordEnd(this.text[this.at])) this.at++;
    if (this.at >= this.text.length) throw this.unexpectedEnd();
    return this.checked(this.text.slice(start, this.at));
  }

  /** A quoted word: everything up to the same quote, no escapes; it may span lines. */
  private quoted(quote: string): string {
    const openedAt = this.line;
    const start = this.at + 1;
    const end = this.text.indexOf(quote, start);
    const word = this.text.slice(start, end < 0 ? undefined : end);
    for (const char of word) if (char === '\n') this.line++;
    if (end < 0) throw this.unexpectedEnd(` (the quote of line ${openedAt} is not closed)`);
    this.at = end + 1;
    const after = this.text[this.at];
    if (after === undefined) throw this.unexpectedEnd();
    if (!isWordEnd(after)) {
      throw new ConfigError(
        { file: this.file, line: this.line },
        `unexpected '${after}', expecting white space, ; or { after the closing quote`,
      );
    }
    return this.checked(word);
  }

  private checked(word: string): string {
    if (!word.includes('\0')) return word;
    throw new ConfigError({ file: this.file, line: this.line }, 'unexpected NUL byte in a word');
  }

  private unexpectedEnd(detail = ''): ConfigError {
    return new ConfigError(
      { file: this.file, line: this.line },
      `unexpected end of file, expecting ; or "}"${detail}`,
      ErrorCode.SYSTEM_CONFIG_INVALID,
    );
  }
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\n';
}

function isWordEnd(char: string | undefined): boolean {
  return char === undefined || isBlank(char) || char === ';' || char === '{';
}
