{
  "variables": {
    "sanitize%": 0
  },
  "targets": [
    {
      "target_name": "srs",
      "sources": [
        "<!@(node -p \"const fs = require('fs'); fs.readdirSync('.').filter((f) => /^(binding|addon|wrap_.*)[.]cc$/.test(f)).concat(fs.readdirSync('engine').filter((f) => f.endsWith('.cc')).map((f) => 'engine/' + f)).sort().join(' ')\")"
      ],
      "include_dirs": ["."],
      "cflags": [
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fvisibility=hidden",
        "-isystem <(node_root_dir)/include/node",
        "-isystem <!(node -p \"require('path').dirname(require.resolve('nan'))\")"
      ],
      "cflags_cc": ["-fno-exceptions"],
      "conditions": [
        [
          "sanitize==1",
          {
            "cflags": [
              "-O1",
              "-g",
              "-fno-omit-frame-pointer",
              "-fsanitize=address,undefined",
              "-fno-sanitize-recover=undefined"
            ],
            "cflags!": ["-O2", "-O3"],
            "ldflags": ["-fsanitize=address,undefined"]
          },
          {
            "cflags": ["-O2"],
            "cflags!": ["-O3"]
          }
        ]
      ]
    }
  ]
}
