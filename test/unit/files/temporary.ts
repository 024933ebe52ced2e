/** A directory for the files of a test. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a directory before each test of the block and removes it after; the returned function gives its path. */
export function useDirectory(): () => string {
  let path = '';
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'files-'));
  });
  afterEach(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return () => path;
}

/**
 * Runs something while a directory has one inside that not even root can list: its path is too long. Files can be in
 * the directories around it, whose names begin with `deep`.
 */
export async function withUnreadable(directory: string, run: () => Promise<void>): Promise<void> {
  const chain = (length: number): string => `deep${'-'.repeat(240)}/`.repeat(length);
  const [outside, moved] = [join(directory, 'deep', chain(9)), join(directory, 'moved')];
  mkdirSync(outside, { recursive: true });
  mkdirSync(join(moved, chain(9)), { recursive: true });
  const inside = join(outside, 'moved');
  renameSync(moved, inside);
  try {
    await run();
  } finally {
    renameSync(inside, moved);
  }
}

/** Descriptors of this process that are open on files below a directory. */
export function openDescriptors(directory: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => linkOf(`/proc/self/fd/${fd}`))
    .filter((target) => target.startsWith(directory));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
