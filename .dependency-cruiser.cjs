// The import ladder: core, media, net and rtmp, app, main. An import never points upwards, features of app never
// import each other. What one feature needs from another it is given by app/server.ts.
const builtin = { dependencyTypes: ['core'] };

/** What the files below `from` may import inside src: the folders in `to`, and themselves. */
function ladder(name, from, to) {
  return {
    name: `ladder-${name}`,
    severity: 'error',
    from: { path: from },
    to: { path: '^src/', pathNot: [from, ...to.map((folder) => `^src/${folder}/`)] },
  };
}

const shared = ['core', 'media', 'net', 'rtmp', 'app/config', 'app/stats'];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['[.]d[.]ts$', '^src/main[.]ts$'] },
      to: {},
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'not-to-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|toolchain)/' },
    },
    {
      name: 'not-to-packages',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/app/(http|registry)/' },
      to: { path: 'node_modules' },
    },
    {
      name: 'http-to-its-packages',
      severity: 'error',
      from: { path: '^src/app/http/' },
      to: { path: 'node_modules', pathNot: 'node_modules/(@types/)?ws/' },
    },
    {
      name: 'registry-to-its-packages',
      severity: 'error',
      from: { path: '^src/app/registry/' },
      to: { path: 'node_modules', pathNot: 'node_modules/@redis/client/' },
    },

    ladder('core', '^src/core/', []),
    ladder('media', '^src/media/', ['core']),
    ladder('net', '^src/net/', ['core']),
    ladder('files', '^src/files/', ['core']),
    ladder('rtmp', '^src/rtmp/', ['core', 'media']),
    ladder('config', '^src/app/config/', ['core', 'media']),
    ladder('stats', '^src/app/stats/', ['core', 'media']),
    ladder('log', '^src/app/log/', ['core', 'media']),
    ladder('process', '^src/app/process/', ['core', 'media']),
    ladder('stream', '^src/app/stream/', shared),
    ladder('access', '^src/app/access/', [...shared, 'files', 'app/stream']),
    ladder('upstream', '^src/app/upstream/', [...shared, 'app/stream']),
    {
      name: 'features-stay-apart',
      severity: 'error',
      from: {
        path: '^src/app/([^/]+)/',
        pathNot: '^src/app/(config|stats|log|process|stream|access|upstream)/',
      },
      to: {
        path: '^src/(app|[^/]+[.]ts$)',
        pathNot: '^src/app/($1|config|stream|stats|access|upstream)/',
      },
    },
    {
      name: 'server-below-main',
      severity: 'error',
      from: { path: '^src/app/server[.]ts$' },
      to: { path: '^src/main[.]ts$' },
    },
    {
      name: 'main-starts-the-server',
      severity: 'error',
      from: { path: '^src/main[.]ts$' },
      to: {
        path: '^src/(rtmp|media|app/(?!server[.]ts|bandcheck/command[.]ts|config/|log/|process/))',
      },
    },

    {
      name: 'addon-by-binding',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/net/' },
      to: { path: ['[.]node$', '^src/net/binding[.]ts$'] },
    },
    {
      name: 'children-by-process',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/app/(ffmpeg|process)/' },
      to: { ...builtin, path: '^(node:)?child_process$' },
    },
    {
      name: 'sockets-by-addon',
      severity: 'error',
      from: { path: '^src/' },
      to: { ...builtin, path: '^(node:)?net$' },
    },
    {
      name: 'names-say-what',
      severity: 'error',
      from: {},
      to: { path: '/(utils|util|helpers|helper|common|misc)([.]ts|/)', pathNot: 'node_modules' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.json', '.js'] },
  },
};
