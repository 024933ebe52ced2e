/** Owns where the server of a configuration file is to be found, also when the rest of the file has become wrong. */
import { Config } from './config';
import type { ConfigText } from './config';
import { ConfigError } from './config-error';
import { globalRows } from './sections/global';

/** Where a server has its pid file. */
export interface ServerPlace {
  /** The directory it changed to, relative to the one it was started in. */
  readonly workDir: string;
  /** Relative to that one. */
  readonly pid: string;
}

/**
 * By the words of the file alone: whoever wants a server to end need not repair its configuration first.
 *
 * @throws ConfigError when the file cannot be read or taken apart
 */
export function findServerPlace(file: string): ServerPlace {
  const text = Config.read(file);
  try {
    const { workDir, pid } = Config.check(text).global;
    return { workDir, pid };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { workDir: wordOf(text, globalRows.workDir), pid: wordOf(text, globalRows.pid) };
  }
}

function wordOf({ directives }: ConfigText, row: typeof globalRows.pid): string {
  const given = directives.find(({ name }) => name === row.name);
  return given?.args[0]?.text ?? row.defaultLabel;
}
