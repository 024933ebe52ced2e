/** Owns how long and from which seed a fuzz test runs; fast-check prints the seed of a failure. */

const SMALL_RUN = 500;

/** SRS_FUZZ_RUNS is the number of inputs a property gets, SRS_FUZZ_SEED the seed of a run to repeat. */
export function fuzzParameters(): { numRuns: number; seed?: number } {
  const { SRS_FUZZ_RUNS: runs, SRS_FUZZ_SEED: seed } = process.env;
  const numRuns = Number(runs ?? SMALL_RUN);
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}
