// Many players of one stream: draining, parsing (checked, timed) or slow.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"

enum { kEvents = 256, kTimedEvery = 8, kSlowPhases = 10 };

static struct {
  struct Session *players;
  uint64_t *base;  // bytes each had received when the window opened
  struct Window window;
  struct Histogram latency;
  int epoll, timed;  // timed players have an epoll of their own, looked at more often
  uint32_t opened, started, lost, slow_lost, failed;
  uint64_t opening_ns, last_start_ns;
  uint32_t slow_tick;
} play;

// Spreads `some` of `all` evenly over the indices.
static bool picked(uint32_t index, uint32_t some, uint32_t all) {
  return index < all && (uint64_t)(index + 1) * some / all > (uint64_t)index * some / all;
}

static void on_started(struct Session *s) {
  play.started++;
  play.last_start_ns = s->started_ns;
}

static void on_media(struct Session *s, const struct Message *m) {
  if (!s->parses) return;
  uint64_t sent = check_message(s->extra, m);
  // What the server had in its cache is older than the player: no latency of ours.
  if (s->epoll == play.timed && sent > s->started_ns && play.window.begun)
    histogram_add(&play.latency, now_ns() - sent);
}

static void on_closed(struct Session *s) {
  if (s->started_ns == 0)
    play.failed++;
  else if (s->slow)
    play.slow_lost++;
  else
    play.lost++;
}

static void open_player(uint32_t index) {
  struct Session *s = &play.players[index];
  uint32_t good = options.count - options.slow;
  bool timed = picked(index, options.latency, good);
  s->slow = index >= good;
  s->parses = timed || picked(index, options.verify, good);
  if (s->parses) s->extra = calloc(1, sizeof(struct Check));
  session_open(s, timed ? play.timed : play.epoll, index);
}

static void open_due(uint64_t now) {
  double due = (double)(now - play.opening_ns) / 1e9 * options.connect_rate + 1;
  while (play.opened < options.count && play.opened < due) open_player(play.opened++);
}

// Slow players are read in turn, a tenth of them each tenth of a second.
static uint64_t read_slow(uint64_t now) {
  if (options.slow == 0) return UINT64_MAX;
  uint64_t tick_ns = 1000000000u / kSlowPhases;
  uint64_t next = play.opening_ns + (play.slow_tick + 1) * tick_ns;
  if (now < next) return next;
  play.slow_tick++;
  uint32_t first = options.count - options.slow + play.slow_tick % kSlowPhases;
  for (uint32_t i = first; i < play.opened; i += kSlowPhases)
    session_read_slowly(&play.players[i], options.slow_bytes_per_second);
  return next + tick_ns;
}

static void handle_timed(void) {
  struct epoll_event events[kEvents];
  int n = wait_until(play.timed, events, kEvents, 0);
  for (int i = 0; i < n; i++) session_event(events[i].data.ptr, events[i].events);
}

static void handle(uint64_t deadline) {
  struct epoll_event events[kEvents];
  int n = wait_until(play.epoll, events, kEvents, deadline);
  for (int i = 0; i < n; i++) {
    if (options.latency > 0 && i % kTimedEvery == 0) handle_timed();
    if (events[i].data.ptr) session_event(events[i].data.ptr, events[i].events);
  }
}

static void loop(void) {
  for (;;) {
    uint64_t now = now_ns();
    if (now >= play.window.end_ns) break;
    if (window_begins(&play.window, now))
      for (uint32_t i = 0; i < options.count; i++) play.base[i] = play.players[i].received;
    open_due(now);
    uint64_t next = read_slow(now), deadline = play.window.end_ns;
    if (play.opened < options.count) deadline = now + 1000000;
    if (!play.window.begun && play.window.start_ns < deadline) deadline = play.window.start_ns;
    handle(next < deadline ? next : deadline);
  }
  window_end(&play.window);
}

struct Totals {
  uint64_t min, max, sum, slow_sum;
  uint32_t silent;
  uint64_t messages, gaps, errors;
};

static void add_player(struct Totals *t, uint32_t index) {
  struct Session *s = &play.players[index];
  uint64_t bytes = s->received - play.base[index];
  if (s->slow) {
    t->slow_sum += bytes;
    return;
  }
  if (bytes < t->min) t->min = bytes;
  if (bytes > t->max) t->max = bytes;
  t->sum += bytes;
  if (bytes == 0 && s->stage != kClosed) t->silent++;
  struct Check *c = s->extra;
  if (!c) return;
  t->messages += c->messages;
  t->gaps += c->gaps;
  t->errors += c->errors;
}

static int report(const struct ListenCounters *before) {
  struct Totals t = {.min = UINT64_MAX};
  for (uint32_t i = 0; i < options.count; i++) add_player(&t, i);
  struct ListenCounters after = listen_counters();
  uint32_t good = options.count - options.slow;
  double seconds = window_seconds(&play.window),
         took = (double)(play.last_start_ns - play.opening_ns) / 1e9;
  double average = good ? (double)t.sum / good : 0;
  uint32_t unfinished = options.count - play.started - play.failed;
  printf(
      "{\"command\":\"play\",\"count\":%u,\"started\":%u,\"unfinished\":%u,\"failed\":%u,\"lost\":%"
      "u",
      options.count, play.started, unfinished, play.failed, play.lost);
  printf(",\"silent\":%u,\"startSeconds\":%.3f,\"startsPerSecond\":%.0f", t.silent,
         play.started ? took : 0, play.started && took > 0 ? play.started / took : 0);
  printf(",\"windowSeconds\":%.3f,\"bytes\":{\"min\":%llu,\"avg\":%.0f,\"max\":%llu}", seconds,
         (unsigned long long)(good ? t.min : 0), average, (unsigned long long)t.max);
  printf(",\"kbps\":%.1f,\"loadCpu\":%.1f", average * 8 / 1000 / seconds,
         play.window.cpu / seconds * 100);
  printf(",\"listenOverflows\":%llu,\"listenDrops\":%llu",
         (unsigned long long)(after.overflows - before->overflows),
         (unsigned long long)(after.drops - before->drops));
  if (options.slow > 0)
    printf(",\"slow\":{\"count\":%u,\"lost\":%u,\"bytesPerSecond\":%.0f}", options.slow,
           play.slow_lost, (double)t.slow_sum / options.slow / seconds);
  if (options.verify > 0 || options.latency > 0)
    printf(",\"verified\":{\"messages\":%llu,\"gaps\":%llu,\"errors\":%llu}",
           (unsigned long long)t.messages, (unsigned long long)t.gaps,
           (unsigned long long)t.errors);
  if (options.latency > 0) histogram_print("latencyMs", &play.latency);
  printf("}\n");
  print_failures();
  return play.failed || unfinished || play.lost || t.silent || t.gaps || t.errors;
}

int run_play(void) {
  raise_file_limit(options.count + 16);
  session_hooks = (struct SessionHooks){on_started, on_media, on_closed};
  play.players = calloc(options.count, sizeof *play.players);
  play.base = calloc(options.count, sizeof *play.base);
  histogram_init(&play.latency);
  play.epoll = epoll_create1(EPOLL_CLOEXEC);
  play.timed = epoll_create1(EPOLL_CLOEXEC);
  watch(play.epoll, play.timed, EPOLLIN, NULL);
  struct ListenCounters before = listen_counters();
  window_init(&play.window);
  play.opening_ns = now_ns();
  loop();
  return report(&before);
}
