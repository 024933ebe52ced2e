/** CRC-32 of MPEG-2 sections: polynomial 0x04c11db7, most significant bit first, no final inversion (ISO/IEC 13818-1, A). */

const polynomial = 0x04c11db7;

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? polynomial : 0);
  return crc;
});

/** The CRC of `data[start, end)`; 0 over a section together with its CRC. */
export function crc32Mpeg(data: Uint8Array, start = 0, end = data.length): number {
  let crc = -1;
  for (let at = start; at < end; at++) {
    crc = (crc << 8) ^ (table[((crc >>> 24) ^ (data[at] ?? 0)) & 0xff] ?? 0);
  }
  return crc >>> 0;
}
