/** What writer and reader of MPEG transport streams share: sizes, PIDs, stream types and the 33-bit clock (ISO/IEC 13818-1). */

export const tsPacketBytes = 188;
export const tsSyncByte = 0x47;
export const TsPid = {
  pat: 0,
  pmt: 0x1001,
  video: 0x100,
  aac: 0x101,
  otherAudio: 0x102,
  /** A program without a clock says this. */
  none: 0x1fff,
} as const;

/** stream_type, table 2-34; AC-3 and E-AC-3 as ATSC A/52 assigns them. */
export const TsStreamType = {
  mpeg1Audio: 0x03,
  mpeg2Audio: 0x04,
  aacAdts: 0x0f,
  avc: 0x1b,
  hevc: 0x24,
  ac3: 0x81,
  eac3: 0x87,
} as const;

/** Ticks of the system clock's base per millisecond: 90 kHz. */
export const ticksPerMs = 90;
/** PTS, DTS and PCR base wrap at this. */
export const clockWrap = 2 ** 33;

/** Any number of ticks as one of the clock. */
export function wrapTicks(ticks: number): number {
  const rest = Math.round(ticks) % clockWrap;
  return rest < 0 ? rest + clockWrap : rest;
}

/** How far `to` is behind (negative: before) `from`, the shorter way round. */
export function ticksBetween(from: number, to: number): number {
  const distance = (to - from) % clockWrap;
  if (distance >= clockWrap / 2) return distance - clockWrap;
  return distance < -clockWrap / 2 ? distance + clockWrap : distance;
}
