/** How long an Opus packet lasts, by its first bytes (RFC 6716, 3.1 and 3.2). */

/** Samples at 48 kHz of one frame, by the configuration number's group: SILK, hybrid, CELT (table 2). */
const silkFrames = [480, 960, 1920, 2880];
const hybridFrames = [480, 960];
const celtFrames = [120, 240, 480, 960];
const firstHybrid = 12;
const firstCelt = 16;
/** A packet lasts at most 120 ms, requirement R5. */
const longestPacket = 5760;

/** Samples at 48 kHz of a packet; 0 when it is malformed. */
export function opusPacketSamples(packet: Uint8Array): number {
  const [toc, second] = packet;
  if (toc === undefined) return 0;
  const samples = frameSamples(toc >> 3) * frameCount(toc & 3, second);
  return samples <= longestPacket ? samples : 0;
}

function frameSamples(configuration: number): number {
  if (configuration >= firstCelt) return celtFrames[configuration & 3] ?? 0;
  if (configuration >= firstHybrid) return hybridFrames[configuration & 1] ?? 0;
  return silkFrames[configuration & 3] ?? 0;
}

/** Frames of a packet by its code; code 3 states them in the second byte, 3.2.5. */
function frameCount(code: number, second: number | undefined): number {
  if (code === 0) return 1;
  return code === 3 ? (second ?? 0) & 0x3f : 2;
}
