// The RTMP load generator: what its parts share. One thread, one epoll, no allocation per event
// once playing.
#ifndef BENCH_LOAD_H_
#define BENCH_LOAD_H_

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

// ---- options (options.c) ----

// Everything the command line can set; the same names as the options.
struct Options {
  const char *command;
  struct sockaddr_in server;
  char host[128], app[256], stream[256];
  uint16_t port;
  uint32_t count;
  double connect_rate;  // connections opened per second
  double seconds;       // the whole run, from start to exit
  double measure;       // statistics cover the last so many seconds
  uint32_t slow, slow_bytes_per_second;
  uint32_t verify, latency;  // so many players parse what they receive
  uint32_t streams;          // STREAM_0 to STREAM_(streams - 1) in turn; 0 = see stream_name
  double reconnect_ms;       // publish: who is lost comes back after so long, 0 = never
  double gap_ms;             // watch: so long without media is reported
  uint32_t kbps, fps, gop, first_timestamp;
  bool audio;
  bool http;           // play: FLV over HTTP instead of RTMP
  double interval_ms;  // floor: time between two sends to a socket, 0 = one per frame; hls: between
                       // two looks at the playlist
  int sender_cpu;      // floor: cpu of the sending process, -1 = any
};
extern struct Options options;
void parse_options(int argc, char **argv);
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

// ---- system (system.c) ----

bool told_to_stop(void);  // SIGTERM came: ends runs of watch and publish, with their report
uint64_t now_ns(void);    // CLOCK_MONOTONIC, the same in every process of a machine
uint64_t seconds_ns(double seconds);
double cpu_seconds(void);  // user and system time of this process
void raise_file_limit(uint32_t wanted);
int open_socket(uint32_t index,
                int receive_buffer);  // non-blocking connect; spreads 127.0.0.x sources
void watch(int epoll, int fd, uint32_t events, void *data);
int wait_until(int epoll, struct epoll_event *events, int max, uint64_t deadline_ns);

// Listen queue overflows and drops of the whole machine, from /proc/net/netstat.
struct ListenCounters {
  uint64_t overflows, drops;
};
struct ListenCounters listen_counters(void);

// Durations in 10 us steps up to one second; later ones count as one second in percentiles.
struct Histogram {
  uint32_t *buckets;
  uint64_t samples, max_ns;
};
void histogram_init(struct Histogram *h);
void histogram_add(struct Histogram *h, uint64_t ns);
double histogram_ms(const struct Histogram *h, double fraction);
void histogram_print(const char *name, const struct Histogram *h);  // a JSON member

// The last `measure` seconds of a run, and what this process used of the cpu in them.
struct Window {
  uint64_t start_ns, end_ns, begun_ns, ended_ns;
  double cpu;
  bool begun;
};
void window_init(struct Window *w);
bool window_begins(struct Window *w, uint64_t now);  // true once, when the window opens
void window_end(struct Window *w);
double window_seconds(const struct Window *w);

// ---- wire (wire.c) ----

enum { kChunkSizeOut = 60000 };

struct Message {
  uint32_t timestamp, length, stream_id;
  uint8_t type;
  const uint8_t *body;
};

// Growing byte buffer for what is sent.
struct Bytes {
  uint8_t *data;
  size_t size, capacity;
};
void put_raw(struct Bytes *b, const void *data, size_t size);
void put_be(struct Bytes *b, uint64_t value, int bytes);
void put_string(struct Bytes *b, const char *text);  // AMF0 values
void put_number(struct Bytes *b, double value);
void put_boolean(struct Bytes *b, bool value);
void put_null(struct Bytes *b);
void put_key(struct Bytes *b, const char *key);
void put_message(struct Bytes *b, int csid, const struct Message *m);
uint32_t get_be(const uint8_t *p, int bytes);

// Chunk stream reader: any server's headers, interleaving, chunk sizes, both extended timestamp
// habits.
struct Reader;
struct Session;
typedef void (*MessageHandler)(struct Session *s, const struct Message *m);
struct Reader *reader_new(void);
void reader_free(struct Reader *r);
uint8_t *reader_space(struct Reader *r, size_t wanted);  // where to receive into
void reader_received(struct Reader *r, size_t size);
const uint8_t *reader_bytes(const struct Reader *r, size_t *size);
void reader_skip(struct Reader *r, size_t size);
// Hands over whole messages until the bytes run out or the handler frees the reader; false: not a
// chunk stream.
bool reader_run(struct Reader *r, struct Session *s, MessageHandler handler);
void reader_set_chunk_size(struct Reader *r, uint32_t size);
bool reader_dead(const struct Reader *r);     // freed by the handler
void reader_hold(struct Reader *r, bool on);  // while held, a free waits for the release

// ---- FLV over HTTP (flv.c) ----

void http_get(struct Bytes *out, const char *path, bool keep_alive);
// Length of a whole answer head at `bytes`, 0 while it is incomplete.
size_t http_head_size(const uint8_t *bytes, size_t size);
int http_status(const uint8_t *bytes, size_t size);
long http_content_length(const char *head);  // -1 when it says none
void flv_request(struct Session *s);
void flv_answer(struct Session *s);  // takes the head of the answer, then media begins
// Hands over whole tags; false: not an FLV stream.
bool flv_run(struct Reader *r, struct Session *s, MessageHandler handler);

// ---- session (session.c) ----

enum Stage { kConnecting, kHandshake, kCommands, kStarting, kMedia, kClosed };

// One RTMP client connection, from connect() to media.
struct Session {
  int fd, epoll;
  uint32_t index, stream_id;
  uint8_t stage;
  bool publisher;
  bool parses;  // keeps its reader while media flows
  bool slow;
  bool sent_c2;
  uint32_t window;  // acknowledgement window the server asked for, 0 = none
  uint64_t received, acknowledged;
  uint64_t opened_ns, started_ns;
  struct Reader *reader;
  struct Bytes pending;  // what the socket did not take yet
  const char *failure;   // why it was lost
  void *extra;           // the command's own state
};

// What a command wants to hear of its sessions.
struct SessionHooks {
  void (*on_started)(struct Session *s);                         // Play.Start or Publish.Start came
  void (*on_media)(struct Session *s, const struct Message *m);  // audio or video
  void (*on_closed)(struct Session *s);                          // once; s->failure says why
};
extern struct SessionHooks session_hooks;
void session_open(struct Session *s, int epoll, uint32_t index);
void session_event(struct Session *s, uint32_t events);
bool session_send(struct Session *s, const void *data, size_t size);  // false: closed meanwhile
void session_start(struct Session *s);                                // media begins
void session_close(struct Session *s, const char *failure);
void session_read_slowly(struct Session *s, size_t most);
// The stream of a session: with `streams` the one of its turn, else all play one and each publisher
// has its own.
void stream_name(const struct Session *s, char *name, size_t size);
void print_failures(void);  // reasons of lost connections, to stderr

// ---- synthetic stream (stream.c) ----

// Builds what a publisher sends; the payload carries a sequence number, the stream and the time of
// sending.
void build_headers(struct Bytes *b, uint32_t stream_id, uint32_t timestamp);
void build_video(struct Bytes *b, const struct Session *s, uint32_t sequence, uint32_t timestamp);
void build_audio(struct Bytes *b, uint32_t stream_id, uint32_t timestamp);

// What a parsing player knows of the stream it receives.
struct Check {
  bool seen_frame;
  uint32_t sequence, publisher, timestamps[2];
  uint64_t messages, gaps, errors;
};
uint64_t check_message(struct Check *c,
                       const struct Message *m);  // time of sending, 0 if not a stamped frame

// ---- commands ----

int run_play(void);
int run_watch(void);
int run_publish(void);
int run_connect(void);
int run_floor(void);
int run_hls(void);
int run_get(void);

#endif
