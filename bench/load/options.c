// Command line: one table of options, and the usage text.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

struct Options options = {
    .count = 1,
    .connect_rate = 500,
    .seconds = 10,
    .slow_bytes_per_second = 1024,
    .kbps = 250,
    .fps = 25,
    .gop = 50,
    .interval_ms = 350,
    .gap_ms = 1000,
    .sender_cpu = -1,
};

static const char usage[] =
    "usage: load play|watch|publish|connect|hls|get|floor [options]; prints one JSON line, exits 1 "
    "on any loss\n"
    "  --url rtmp://HOST:PORT/APP/STREAM   several publishers use STREAM_0, STREAM_1, ...\n"
    "  --url http://HOST:PORT/APP/FILE     play: FLV over HTTP; hls: the playlist\n"
    "  --url http://HOST:PORT/DIR/F[,F...] get: files that are asked for in turn\n"
    "  --count N                           connections (connect: not used)\n"
    "  --connect-rate R                    connections opened per second (500)\n"
    "  --rate R                            the same; get: requests per second\n"
    "  --seconds S                         length of the whole run (10)\n"
    "  --measure W                         statistics of the last W seconds (all)\n"
    "play:\n"
    "  --slow K --slow-bytes-per-second B  the last K players read B bytes a second (1024)\n"
    "  --verify M                          M players check the stream of `load publish`\n"
    "  --latency M                         M players measure its latency\n"
    "watch: players that stay whatever happens, until SIGTERM or the end\n"
    "  --gap-ms MS                         so long without media is reported (1000)\n"
    "watch and publish:\n"
    "  --streams K                         STREAM_0 to STREAM_(K - 1) in turn\n"
    "publish and floor:\n"
    "  --kbps K --fps F                    bit rate of a stream and its frame rate (250, 25)\n"
    "publish:\n"
    "  --gop G --audio                     frames per key frame (50); 48 of the kbps are AAC\n"
    "  --reconnect-ms MS                   who is lost comes back so much later (never)\n"
    "  --first-timestamp MS                where timestamps begin (0)\n"
    "hls:\n"
    "  --interval-ms MS                    time between two looks at the playlist\n"
    "floor:\n"
    "  --interval-ms MS                    time between sends to a socket (350; 0: one a frame)\n"
    "  --sender-cpu C                      cpu of the sending process\n";

void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(2);
}

static void parse_url(const char *url) {
  char path[512];
  unsigned port = 1935;
  options.http = sscanf(url, "http://%127[^:/]:%u/%511s", options.host, &port, path) == 3;
  if (!options.http && sscanf(url, "rtmp://%127[^:/]:%u/%511s", options.host, &port, path) != 3 &&
      sscanf(url, "rtmp://%127[^:/]/%511s", options.host, path) != 2)
    die("rtmp://HOST[:PORT]/APP/STREAM or http://HOST:PORT/APP/FILE expected, not %s", url);
  char *slash = strrchr(path, '/');
  if (!slash || slash == path || !slash[1] || port == 0 || port > 65535)
    die("rtmp://HOST[:PORT]/APP/STREAM expected, not %s", url);
  *slash = '\0';
  snprintf(options.app, sizeof options.app, "%.255s", path);
  snprintf(options.stream, sizeof options.stream, "%.255s", slash + 1);
  options.port = (uint16_t)port;
  struct addrinfo *found, hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  if (getaddrinfo(options.host, NULL, &hints, &found) != 0) die("unknown host %s", options.host);
  memcpy(&options.server, found->ai_addr, sizeof options.server);
  options.server.sin_port = htons(options.port);
  freeaddrinfo(found);
}

static double parse_number(const char *name, const char *text) {
  char *end;
  double value = text ? strtod(text, &end) : 0;
  if (!text || end == text || *end || value < 0 || value > 4294967295.0)
    die("%s: a number expected, not %s", name, text ? text : "nothing");
  return value;
}

// Where an option with a number goes: exactly one of the three is set.
struct NumberOption {
  const char *name;
  uint32_t *whole;
  double *real;
  int *small;
};

static bool set_number(const char *name, const char *text) {
  const struct NumberOption rows[] = {
      {"--count", &options.count, NULL, NULL},
      {"--connect-rate", NULL, &options.connect_rate, NULL},
      {"--rate", NULL, &options.connect_rate, NULL},
      {"--seconds", NULL, &options.seconds, NULL},
      {"--measure", NULL, &options.measure, NULL},
      {"--slow", &options.slow, NULL, NULL},
      {"--slow-bytes-per-second", &options.slow_bytes_per_second, NULL, NULL},
      {"--verify", &options.verify, NULL, NULL},
      {"--latency", &options.latency, NULL, NULL},
      {"--streams", &options.streams, NULL, NULL},
      {"--reconnect-ms", NULL, &options.reconnect_ms, NULL},
      {"--gap-ms", NULL, &options.gap_ms, NULL},
      {"--kbps", &options.kbps, NULL, NULL},
      {"--fps", &options.fps, NULL, NULL},
      {"--gop", &options.gop, NULL, NULL},
      {"--first-timestamp", &options.first_timestamp, NULL, NULL},
      {"--interval-ms", NULL, &options.interval_ms, NULL},
      {"--sender-cpu", NULL, NULL, &options.sender_cpu},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strcmp(name, rows[i].name) != 0) continue;
    double value = parse_number(name, text);
    if (rows[i].whole) *rows[i].whole = (uint32_t)value;
    if (rows[i].real) *rows[i].real = value;
    if (rows[i].small) *rows[i].small = (int)value;
    return true;
  }
  return false;
}

void parse_options(int argc, char **argv) {
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    fputs(usage, argc < 2 ? stderr : stdout);
    exit(argc < 2 ? 2 : 0);
  }
  options.command = argv[1];
  bool has_url = false;
  for (int i = 2; i < argc; i++) {
    if (strcmp(argv[i], "--audio") == 0) {
      options.audio = true;
    } else if (strcmp(argv[i], "--url") == 0 && i + 1 < argc) {
      parse_url(argv[++i]);
      has_url = true;
    } else if (set_number(argv[i], i + 1 < argc ? argv[i + 1] : NULL)) {
      i++;
    } else {
      die("unknown option %s\n%s", argv[i], usage);
    }
  }
  if (!has_url && strcmp(options.command, "floor") != 0) die("--url is needed");
  if (options.count == 0 || options.connect_rate <= 0 || options.fps == 0 || options.gop == 0)
    die("--count, --connect-rate, --fps and --gop must be above 0");
  if (options.slow > options.count) die("--slow is above --count");
  if (options.measure <= 0 || options.measure > options.seconds) options.measure = options.seconds;
}
