/** Owns how long and from which seed a fuzz test runs; fast-check prints the seed of a failure. */

const SMALL_RUN = 500;

/**
 * FUZZ_ITERATIONS (or SRS_FUZZ_RUNS, as the make target calls it) is the number of inputs a property
 * gets, FUZZ_SEED the seed of a run to repeat.
 */
export function fuzzParameters(): { numRuns: number; seed?: number } {
  const { FUZZ_ITERATIONS: iterations, SRS_FUZZ_RUNS: runs, FUZZ_SEED: seed } = process.env;
  const numRuns = Number(iterations ?? runs ?? SMALL_RUN);
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}
