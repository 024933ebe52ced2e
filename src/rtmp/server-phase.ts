/** Owns the names of the phases that a server session goes through. */

/** Where a client stands; decisions of the owner are phases of their own. */
export const Phase = {
  /** Waiting for connect. */
  connect: 0,
  connectDeciding: 1,
  /** Connected, neither publishing nor playing. */
  identify: 2,
  publishDeciding: 3,
  playDeciding: 4,
  publishing: 5,
  playing: 6,
  /** Connected for a bandwidth check, and for nothing else. */
  testing: 7,
  closed: 8,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Whether the owner has to answer before anything more is parsed. */
export function isDeciding(phase: Phase): boolean {
  return (
    phase === Phase.connectDeciding ||
    phase === Phase.publishDeciding ||
    phase === Phase.playDeciding
  );
}
