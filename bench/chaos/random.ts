// Numbers that look random and are the same for the same seed.

/** A source of numbers from 0 up to 1, without 1. */
export type Random = () => number;

/** mulberry32, a generator of 32 bits of state. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of a list that is not empty. */
export function oneOf<T>(list: readonly T[], random: Random): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error('nothing to choose from');
  return one;
}

/** A whole number from `from` to `to`. */
export function between(from: number, to: number, random: Random): number {
  return from + Math.floor(random() * (to - from + 1));
}
