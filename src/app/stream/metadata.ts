/** Owns what the server makes of a publisher's `onMetaData`: our fields added, the hints of others read. */
import { product } from '../../core/version';
import { AmfObject } from '../../rtmp/amf0-value';

/** The metadata players get: a plain object with the server's identity as its last fields. */
export function enrichMetadata(published: AmfObject): AmfObject {
  const metadata = new AmfObject();
  for (const [key, value] of published.entries) metadata.set(key, value);
  return metadata
    .set('server', product.serverName)
    .set('srs_primary', product.primary)
    .set('srs_authors', product.authors)
    .set('server_version', product.version);
}

/** Whether the publisher asks for absolute timestamps: `bravo_atc` is the text `true` (or the boolean). */
export function asksForAtc(metadata: AmfObject): boolean {
  const value = metadata.get('bravo_atc');
  return value === 'true' || value === true;
}

/** One log line on the metadata, listing only what it states as numbers. */
export function describeMetadata(metadata: AmfObject): string {
  const fields = [
    ['width', 'width'],
    ['height', 'height'],
    ['vcodec', 'videocodecid'],
    ['acodec', 'audiocodecid'],
  ] as const;
  let line = 'got metadata';
  for (const [label, key] of fields) {
    const value = metadata.number(key);
    if (value !== undefined) line += `, ${label}=${value}`;
  }
  return line;
}
