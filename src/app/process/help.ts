/** Owns the texts by which the program presents itself: the help page and the start-up banner. */
import { endianness } from 'node:os';

import { buildInfo, product } from '../../core/version';

const OPTION_INDENT = 3;
const OPTION_COLUMN = 23;

const OPTIONS: readonly (readonly [string, string])[] = [
  ['-?, -h, --help', 'print this help and exit(0)'],
  ['-v, -V, --version', 'print the version on stderr and exit(0)'],
  ['-t', 'test the configuration file, exit(0) when it is good'],
  ['--diff filename', 'with -t: what a reload from this file would change'],
  ['-c filename', 'use this configuration file'],
  ['-s signal', 'tell the running server: reload, reopen (its log), quit, stop (at once)'],
  ['-p rtmp-port', 'listen at this RTMP port instead, in the foreground, log to console'],
  ['-x http-port', 'serve HTTP at this port, in the foreground, log to console'],
  ['-b, --bandcheck url', 'measure the bandwidth to a server, rtmp://server/app?key=K,vhost=V'],
];

const STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'done, or stopped as asked; a daemon is up and serving'],
  ['1', 'command line or configuration not acceptable, nothing was started'],
  ['2', 'could not start: already running, pid file, ports'],
  ['3', 'ended by an internal error, the log has its trace'],
  ['4', 'with -s: no server is running, or it cannot be signalled, or does not end'],
  ['5', 'with -b: the bandwidth could not be measured'],
  ['128+N', 'ended at once by a second signal N'],
];

function table(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(
    ([left, right]) =>
      ' '.repeat(OPTION_INDENT) + left.padEnd(OPTION_COLUMN - OPTION_INDENT) + right,
  );
}

/** The help page. `program`: how the user calls this program. */
export function helpText(program: string): string {
  return [
    `${product.name} ${product.version} ${product.copyright}`,
    `License: ${product.license}`,
    `Primary: ${product.primary}`,
    `Authors: ${product.authors}`,
    `Build: ${buildInfo.date} Configuration:${buildInfo.configure}`,
    `Features:${buildInfo.features}`,
    '',
    `Usage: ${program} [-h?vV] [[-t] -c <filename>] [--diff <filename>] [-s <signal>] [-p <rtmp-port>] [-x <http-port>] [-b <url>]`,
    '',
    'Options:',
    ...table(OPTIONS),
    '',
    'Exit status:',
    ...table(STATUSES),
    '',
    'For example:',
    `   ${program} -v`,
    `   ${program} -t -c conf/srs.conf`,
    `   ${program} -c conf/srs.conf`,
    `   ${program} -s reload -c conf/srs.conf`,
    `   ${program} -t -c new.conf --diff conf/srs.conf`,
    `   ${program} -b 'rtmp://server:1935/app?key=KEY,vhost=bandcheck.srs.com'`,
    '',
  ].join('\n');
}

/** What the banner says of the configuration in use. */
export interface BannerFacts {
  readonly configFile: string;
  readonly maxConnections: number;
}

/** First lines of a server's log: who it is, how it was built, what it was given. */
export function bannerLines(facts: BannerFacts): string[] {
  const { date, uname, configure, features } = buildInfo;
  const build = [
    `uname: ${uname}`,
    `build: ${date}, ${endianness() === 'LE' ? 'little' : 'big'}-endian`,
    `configure: ${configure}`,
    `features: ${features}`,
  ];
  return [
    product.serverName,
    `srs(simple-rtmp-server) ${product.version}, ${product.role}`,
    `license: ${product.license}, ${product.copyright}`,
    `primary: ${product.primary}`,
    `authors: ${product.authors}`,
    ...(date === '' ? [] : build),
    `runtime: node ${process.version}, ${process.platform} ${process.arch}`,
    `conf: ${facts.configFile}, limit: ${facts.maxConnections}`,
  ];
}
