/** Owns the product identity: names, version, licence, and what the build recorded about itself. */
import { version } from '../../package.json';

/** Facts recorded when the bundle was built; empty strings when running from the sources. */
export interface BuildInfo {
  /** Options given to configure, as one line. */
  readonly configure: string;
  /** Options in effect after presets and conflicts, as one line. */
  readonly features: string;
  /** Build time, `YYYY-MM-DD HH:MM:SS`. */
  readonly date: string;
  /** System the build ran on. */
  readonly uname: string;
  /** Features that `configure` turned on or off by name; one that is not listed is on. */
  readonly enabled: Readonly<Record<string, boolean>>;
}

declare const __SRS_BUILD__: Partial<BuildInfo> | undefined;

const recorded = typeof __SRS_BUILD__ === 'undefined' ? undefined : __SRS_BUILD__;

/** What this build recorded about itself. */
export const buildInfo: BuildInfo = {
  configure: '',
  features: '',
  date: '',
  uname: '',
  enabled: {},
  ...recorded,
};

/** Identity strings printed in help, banner, connect replies and API replies. */
export const product = {
  key: 'SRS',
  name: 'SRS(Simple RTMP Server)',
  role: 'origin/edge server',
  version,
  /** As sent to peers and printed first in the log. */
  serverName: `SRS/${version}`,
  license: 'MIT',
  copyright: 'Copyright (c) the SRS for TypeScript project',
  primary: 'SRS for TypeScript',
  authors: 'the SRS for TypeScript project',
} as const;

/** A part that can be left out. */
export type BuildFeature =
  'ssl' | 'ingest' | 'hls' | 'dvr' | 'http-server' | 'http-api' | 'http-callback' | 'stat';

/** Whether a feature is part of this build: `./configure --without-NAME` leaves it out. */
export function isBuilt(feature: BuildFeature, build: BuildInfo = buildInfo): boolean {
  return build.enabled[feature] !== false;
}
