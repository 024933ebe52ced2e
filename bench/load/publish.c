// Many publishers of synthetic streams, their frames spread evenly over the frame interval.
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { kEvents = 256, kAudioRate = 44100, kAudioSamples = 1024, kTickNs = 500000 };

// What one publisher has sent.
struct Feed {
  uint32_t frames;  // sequence number of the next frame
  uint32_t ticks;   // frame intervals since the start, also those skipped while blocked
  uint64_t audio;   // audio frames due so far
  uint64_t due_ns;  // lost: when to connect again
};

static struct {
  struct Session *publishers;
  struct Feed *feeds;
  struct Window window;
  int epoll;
  uint32_t opened, started, lost, failed, away;
  uint64_t opening_ns, last_start_ns, turns;
  uint64_t frames, bytes, stalls, late;  // in the window
} all;

static void on_started(struct Session *s) {
  all.started++;
  all.last_start_ns = s->started_ns;
  struct Bytes out = {0};
  build_headers(&out, s->stream_id, options.first_timestamp);
  session_send(s, out.data, out.size);
  free(out.data);
}

static void on_media(struct Session *s, const struct Message *m) {
  (void)s;
  (void)m;
}

static void on_closed(struct Session *s) {
  if (options.reconnect_ms > 0) {
    all.feeds[s->index] =
        (struct Feed){.due_ns = now_ns() + seconds_ns(options.reconnect_ms / 1e3)};
    all.away++;
  }
  if (s->started_ns == 0)
    all.failed++;
  else
    all.lost++;
}

static void send_built(struct Session *s, struct Bytes *out) {
  if (all.window.begun) all.bytes += out->size;
  session_send(s, out->data, out->size);
  out->size = 0;
}

// One frame interval of one publisher: a video frame and the audio up to it. A blocked one skips
// frames.
static void send_frame(uint32_t index) {
  static struct Bytes out;
  struct Session *s = &all.publishers[index];
  struct Feed *feed = &all.feeds[index];
  if (s->stage != kMedia) return;
  uint64_t elapsed_ms = (uint64_t)feed->ticks++ * 1000 / options.fps;
  if (s->pending.size > 0) {
    if (all.window.begun) all.stalls++;
    return;
  }
  uint64_t audio_due = elapsed_ms * kAudioRate / 1000 / kAudioSamples;
  while (options.audio && feed->audio < audio_due) {
    uint64_t at = feed->audio++ * kAudioSamples * 1000 / kAudioRate;
    build_audio(&out, s->stream_id, options.first_timestamp + (uint32_t)at);
    send_built(s, &out);
  }
  if (s->stage != kMedia) return;
  build_video(&out, s, feed->frames++, options.first_timestamp + (uint32_t)elapsed_ms);
  if (all.window.begun) all.frames++;
  send_built(s, &out);
}

static uint64_t turn_time(uint64_t turn) {
  return all.opening_ns + turn * 1000000000u / ((uint64_t)options.fps * options.count);
}

static void open_publisher(uint32_t index) {
  struct Session *s = &all.publishers[index];
  *s = (struct Session){.publisher = true};
  session_open(s, all.epoll, index);
}

// Those who were lost and whose time has come begin a stream of their own again. Between events
// only: no event of their last connection is still to be handled.
static void reopen_due(uint64_t now) {
  for (uint32_t i = 0; i < all.opened && all.away > 0; i++) {
    if (all.publishers[i].stage != kClosed || all.feeds[i].due_ns > now) continue;
    all.away--;
    open_publisher(i);
  }
}

static void loop(void) {
  struct epoll_event events[kEvents];
  for (;;) {
    uint64_t now = now_ns();
    if (now >= all.window.end_ns || told_to_stop()) break;
    window_begins(&all.window, now);
    double due = (double)(now - all.opening_ns) / 1e9 * options.connect_rate + 1;
    while (all.opened < options.count && all.opened < due) {
      open_publisher(all.opened++);
    }
    reopen_due(now);
    uint64_t due_turn = turn_time(all.turns);
    if (all.window.begun && now > due_turn + 1000000000u / options.fps) all.late++;
    for (int i = 0; i < kEvents && turn_time(all.turns) <= now; i++)
      send_frame((uint32_t)(all.turns++ % options.count));
    uint64_t deadline = turn_time(all.turns);
    if (deadline < now + kTickNs && options.count > 1 && deadline > now) deadline = now + kTickNs;
    if (deadline > all.window.end_ns) deadline = all.window.end_ns;
    int n = wait_until(all.epoll, events, kEvents, deadline);
    for (int i = 0; i < n; i++) session_event(events[i].data.ptr, events[i].events);
  }
  window_end(&all.window);
}

static int report(const struct ListenCounters *before) {
  struct ListenCounters after = listen_counters();
  double seconds = window_seconds(&all.window),
         took = (double)(all.last_start_ns - all.opening_ns) / 1e9;
  bool returns = options.reconnect_ms > 0;
  uint32_t unfinished = returns ? 0 : options.count - all.started - all.failed;
  printf(
      "{\"command\":\"publish\",\"count\":%u,\"started\":%u,\"unfinished\":%u,\"failed\":%u,"
      "\"lost\":%u",
      options.count, all.started, unfinished, all.failed, all.lost);
  printf(",\"startSeconds\":%.3f,\"windowSeconds\":%.3f", all.started ? took : 0, seconds);
  printf(
      ",\"frames\":%llu,\"bytes\":%llu,\"kbps\":%.1f,\"stalls\":%llu,\"late\":%llu,\"loadCpu\":%."
      "1f",
      (unsigned long long)all.frames, (unsigned long long)all.bytes,
      (double)all.bytes * 8 / 1000 / seconds / options.count, (unsigned long long)all.stalls,
      (unsigned long long)all.late, all.window.cpu / seconds * 100);
  printf(",\"listenOverflows\":%llu,\"listenDrops\":%llu}\n",
         (unsigned long long)(after.overflows - before->overflows),
         (unsigned long long)(after.drops - before->drops));
  print_failures();
  return !returns && (all.failed || unfinished || all.lost);
}

int run_publish(void) {
  raise_file_limit(options.count + 16);
  session_hooks = (struct SessionHooks){on_started, on_media, on_closed};
  all.publishers = calloc(options.count, sizeof *all.publishers);
  all.feeds = calloc(options.count, sizeof *all.feeds);
  all.epoll = epoll_create1(EPOLL_CLOEXEC);
  struct ListenCounters before = listen_counters();
  window_init(&all.window);
  all.opening_ns = now_ns();
  loop();
  return report(&before);
}
