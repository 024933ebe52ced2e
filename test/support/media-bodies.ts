/** Bodies of FLV tags as encoders send them, for tests that need real decoder configurations. */

/** H.264 Baseline 3.0, 640x480: AVC sequence header. */
export const avcHeader = Buffer.from(
  '17000000000142c01effe1001967' + '42c01ed9005005bb0110000003001000000303c0f162e48001000468cb8cb2',
  'hex',
);
/** AAC-LC, 44.1 kHz, 2 channels: AAC sequence header. */
export const aacHeader = Buffer.from('af001210', 'hex');
/** An H.264 key frame and a following frame; the pictures are not decodable. */
export const keyFrame = Buffer.from('1701000000000000026588', 'hex');
export const interFrame = Buffer.from('2701000000000000024188', 'hex');
export const aacFrame = Buffer.from('af012100', 'hex');
