/** Owns the grammar: tokens in, a tree of directives out, with `include` already resolved. */
import { ErrorCode } from '../../core/errors';

import { ConfigError } from './config-error';
import type { Place } from './config-error';
import {
  MAX_INCLUDED_FILES,
  MAX_INCLUDE_DEPTH,
  expandInclude,
  identityOf,
  readConfigFile,
} from './config-files';
import { Lexer } from './lexer';
import type { Token } from './lexer';

/** A word after the directive's name, and the line it stands on. */
export interface Argument {
  readonly text: string;
  readonly line: number;
}

/** `name arg … ;`, or `name arg … { children }`: then `children` is set, perhaps empty. */
export interface Directive extends Place {
  readonly name: string;
  readonly args: readonly Argument[];
  readonly children: readonly Directive[] | undefined;
}

/** Deepest nesting of blocks: the deepest known directive needs four. */
export const MAX_BLOCK_DEPTH = 32;

/**
 * Parses `text` of `file` (a name for messages, and the base of relative includes) into the
 * directives of the root level, in file order. Throws ConfigError with the reference's texts and
 * codes: 1023 syntax, 1026 stray `}`, 1027 block not closed, 1042 and up for included files.
 */
export function parseDirectives(text: string, file: string): readonly Directive[] {
  const parser = new Parser(text, file, { included: 0, open: [identityOf(file)] });
  return parser.directives({ depth: 0, openedAt: undefined });
}

/** What the files of one configuration share: how many were included, and which are being read. */
interface Includes {
  included: number;
  readonly open: string[];
}

/** The block being read: how deep it is, and the line of its name (undefined at root level). */
interface Block {
  readonly depth: number;
  readonly openedAt: number | undefined;
}

class Parser {
  private readonly lexer: Lexer;
  private readonly file: string;
  private readonly includes: Includes;

  constructor(text: string, file: string, includes: Includes) {
    this.lexer = new Lexer(text, file);
    this.file = file;
    this.includes = includes;
  }

  /** Directives up to the end of the block, or of the file at root level. */
  directives(block: Block): Directive[] {
    const found: Directive[] = [];
    for (;;) {
      const token = this.lexer.next();
      if (token.kind === 'end') {
        if (block.openedAt === undefined) return found;
        const message = 'unexpected end of file, expecting "}" of the block that begins here';
        throw this.error(block.openedAt, message, ErrorCode.SYSTEM_CONFIG_EOF);
      }
      if (token.kind === 'close') {
        if (block.openedAt !== undefined) return found;
        const message = 'unexpected "}", expecting a directive or the end of the file';
        throw this.error(token.line, message, ErrorCode.SYSTEM_CONFIG_BLOCK_END);
      }
      const directive = this.directive(token, block);
      if (directive.name !== 'include') found.push(directive);
      else for (const included of this.include(directive, block)) found.push(included);
    }
  }

  private directive(first: Token, block: Block): Directive {
    const words: Argument[] = [];
    let token = first;
    for (; token.kind === 'word'; token = this.lexer.next()) {
      // An empty quoted word is no word at all.
      if (token.text !== '') words.push({ text: token.text, line: token.line });
    }
    if (token.kind === 'end') {
      throw this.error(token.line, 'unexpected end of file, expecting ; or "}"');
    }
    if (token.kind === 'close') {
      throw this.error(token.line, `unexpected '}', expecting ; after ${quoteWords(words)}`);
    }
    const [name, ...args] = words;
    if (!name) throw this.nameless(first, token);
    const line = name.line;
    const children = token.kind === 'open' ? this.children(line, block) : undefined;
    return { name: name.text, args, children, file: this.file, line };
  }

  private nameless(first: Token, token: Token): ConfigError {
    if (first !== token) return this.error(first.line, 'empty directive, expecting a name');
    return this.error(token.line, `unexpected '${token.text}', expecting the name of a directive`);
  }

  private children(line: number, block: Block): Directive[] {
    if (block.depth < MAX_BLOCK_DEPTH) {
      return this.directives({ depth: block.depth + 1, openedAt: line });
    }
    throw this.error(line, `blocks are nested too deep, must be at most ${MAX_BLOCK_DEPTH} levels`);
  }

  /** The directives of every file an `include` names, as if they stood in its place. */
  private include(directive: Directive, block: Block): Directive[] {
    const [pattern, extra] = directive.args;
    if (!pattern || extra || directive.children) {
      throw this.error(directive.line, 'include expects one file or pattern, then ;');
    }
    if (this.includes.open.length > MAX_INCLUDE_DEPTH) {
      const message = `include is nested too deep, must be at most ${MAX_INCLUDE_DEPTH} files`;
      throw this.error(directive.line, message);
    }
    return expandInclude(pattern.text, this.file).flatMap((file) =>
      this.includeFile(file, directive, block),
    );
  }

  private includeFile(file: string, at: Place, block: Block): Directive[] {
    const { open } = this.includes;
    const identity = identityOf(file);
    if (open.includes(identity)) throw this.error(at.line, `include of ${file} by itself`);
    if (++this.includes.included > MAX_INCLUDED_FILES) {
      throw this.error(at.line, `too many files included, must be at most ${MAX_INCLUDED_FILES}`);
    }
    const text = readConfigFile(file, at);
    open.push(identity);
    const parser = new Parser(text, file, this.includes);
    const directives = parser.directives({ depth: block.depth, openedAt: undefined });
    open.pop();
    return directives;
  }

  private error(line: number, message: string, code?: ErrorCode): ConfigError {
    return new ConfigError({ file: this.file, line }, message, code);
  }
}

function quoteWords(words: readonly Argument[]): string {
  return `"${words.map((word) => word.text).join(' ')}"`;
}
