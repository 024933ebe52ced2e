/** Owns the endpoints that tell what this program is: its version, its authors, what it can do. */
import { isBuilt, product } from '../../../core/version';
import { availableFeatures } from '../../config/features';

import type { Endpoint } from './endpoint';

/** Where versions are told, on the port of the API and that of the streams. */
export const VERSIONS_PATH = '/api/v1/versions';

/** The version as numbers, for comparisons. */
export function versionJson(version: string = product.version): object {
  const [major = 0, minor = 0, revision = 0] = version.split('.').map((part) => parseInt(part, 10));
  return { major, minor, revision, version };
}

/** `versions`, `authors` and `features`. */
export function productEndpoints(): readonly Endpoint[] {
  const show = (path: string, about: string, dataOf: () => object): Endpoint => ({
    path,
    about,
    lasts: 'forever',
    read: () => ({ fields: { data: dataOf() } }),
  });
  return [
    show(VERSIONS_PATH, 'the version of SRS', () => versionJson()),
    show('/api/v1/authors', 'the license, copyright, authors and contributors', () =>
      authorsJson(),
    ),
    show('/api/v1/features', 'the supported features of SRS', () => featuresJson()),
  ];
}

function authorsJson(): object {
  const { primary, license, copyright, authors } = product;
  return {
    primary,
    license,
    copyright,
    authors,
    // There is no such page.
    contributors_link: '',
    contributors: authors,
  };
}

/** By the names of the reference, of which some say how it is built and not what it does. */
function featuresJson(): object {
  return {
    ssl: isBuilt('ssl'),
    hls: isBuilt('hls'),
    hds: availableFeatures.has('hds'),
    callback: availableFeatures.has('http_hooks'),
    api: availableFeatures.has('http_api'),
    httpd: isBuilt('http-server'),
    dvr: isBuilt('dvr'),
    transcode: availableFeatures.has('transcode'),
    ingest: isBuilt('ingest'),
    stat: availableFeatures.has('stats'),
    nginx: false,
    ffmpeg: availableFeatures.has('ingest_ffmpeg'),
    stream_caster: availableFeatures.has('stream_caster'),
    complex_send: true,
    tcp_nodelay: true,
    so_sendbuf: true,
    mr: true,
  };
}
