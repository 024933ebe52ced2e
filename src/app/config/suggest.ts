/** Owns the answer to a mistyped directive: the nearest known name, by edit distance. */

/**
 * The name of `known` nearest to `word`, or undefined when none is near: at most two edits (insert,
 * delete, replace, swap of neighbours), and fewer for short words.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(2, Math.floor(word.length / 3)) + 1;
  if (word.length > MAX_WORD) return undefined;
  for (const name of known) {
    if (Math.abs(name.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word, name);
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** Longer words are no typing mistake of a directive. */
const MAX_WORD = 64;

/** Optimal string alignment distance, three rows at a time. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        cell(above, column) + 1,
        cell(current, column - 1) + 1,
        cell(above, column - 1) + (isSame ? 0 : 1),
        isSwapped ? cell(before, column - 2) + 1 : Infinity,
      );
    }
    before = above;
    above = current;
  }
  return cell(above, b.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
