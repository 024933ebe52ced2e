// Players that stay whatever happens: each tells when it had no media, and when it was lost.
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { kEvents = 256, kLookNs = 100000000 };

// What one player has seen.
struct Watched {
  uint64_t last_ns;        // when media came last, or it started
  uint64_t lost_ns;        // 0 while it plays
  uint32_t timestamps[2];  // of audio and video
  bool has_media;
};

// A time without media; to_ns is 0 when none came until the end.
struct Gap {
  uint32_t player;
  uint64_t from_ns, to_ns;
};

static struct {
  struct Session *players;
  struct Watched *watched;
  uint32_t total, opened, started, failed, lost, backwards;
  struct Gap *gaps;
  size_t gap_count, gap_room;
  int epoll;
  uint64_t opening_ns, end_ns, messages;
} all;

static void add_gap(uint32_t player, uint64_t from_ns, uint64_t to_ns) {
  if (all.gap_count == all.gap_room) {
    all.gap_room = all.gap_room ? all.gap_room * 2 : 1024;
    all.gaps = realloc(all.gaps, all.gap_room * sizeof *all.gaps);
    if (!all.gaps) die("out of memory");
  }
  all.gaps[all.gap_count++] = (struct Gap){player, from_ns, to_ns};
}

static void on_started(struct Session *s) {
  all.started++;
  all.watched[s->index].last_ns = s->started_ns;
}

static void on_media(struct Session *s, const struct Message *m) {
  struct Watched *w = &all.watched[s->index];
  uint64_t now = now_ns();
  if (now - w->last_ns > (uint64_t)(options.gap_ms * 1e6)) add_gap(s->index, w->last_ns, now);
  w->last_ns = now;
  uint32_t *last = &w->timestamps[m->type & 1];
  if (m->timestamp < *last) all.backwards++;
  *last = m->timestamp;
  w->has_media = true;
  all.messages++;
}

static void on_closed(struct Session *s) {
  if (s->started_ns == 0) {
    all.failed++;
    return;
  }
  all.lost++;
  all.watched[s->index].lost_ns = now_ns();
}

static void open_due(uint64_t now) {
  double due = (double)(now - all.opening_ns) / 1e9 * options.connect_rate + 1;
  while (all.opened < all.total && all.opened < due) {
    struct Session *s = &all.players[all.opened];
    s->parses = true;
    session_open(s, all.epoll, all.opened++);
  }
}

static void loop(void) {
  struct epoll_event events[kEvents];
  for (;;) {
    uint64_t now = now_ns();
    if (now >= all.end_ns || told_to_stop()) break;
    if (all.opened == all.total && all.lost + all.failed == all.total) break;
    open_due(now);
    uint64_t next = now + (all.opened < all.total ? 1000000 : kLookNs);
    int n = wait_until(all.epoll, events, kEvents, next < all.end_ns ? next : all.end_ns);
    for (int i = 0; i < n; i++) session_event(events[i].data.ptr, events[i].events);
  }
  all.end_ns = now_ns();
}

static double to_ms(uint64_t ns) { return (double)ns / 1e6; }

// [stream, player, from, to], times in ms of CLOCK_MONOTONIC; `to` is null when none came until the
// end.
static void print_gaps(void) {
  uint32_t streams = options.streams ? options.streams : 1;
  printf(",\"gaps\":[");
  for (size_t i = 0; i < all.gap_count; i++) {
    const struct Gap *g = &all.gaps[i];
    printf("%s[%u,%u,%.0f,", i ? "," : "", g->player % streams, g->player, to_ms(g->from_ns));
    g->to_ns ? printf("%.0f]", to_ms(g->to_ns)) : printf("null]");
  }
  printf("]");
}

// When each player was lost, ms of CLOCK_MONOTONIC.
static void print_losses(void) {
  const char *comma = "";
  printf(",\"losses\":[");
  for (uint32_t i = 0; i < all.total; i++) {
    if (all.watched[i].lost_ns == 0) continue;
    printf("%s%.0f", comma, to_ms(all.watched[i].lost_ns));
    comma = ",";
  }
  printf("]");
}

static int report(void) {
  uint32_t silent = 0, unfinished = all.total - all.started - all.failed;
  for (uint32_t i = 0; i < all.total; i++) {
    const struct Session *s = &all.players[i];
    const struct Watched *w = &all.watched[i];
    if (s->stage != kMedia) continue;
    if (!w->has_media) silent++;
    if (all.end_ns - w->last_ns > (uint64_t)(options.gap_ms * 1e6)) add_gap(i, w->last_ns, 0);
  }
  printf("{\"command\":\"watch\",\"count\":%u,\"started\":%u,\"unfinished\":%u,\"failed\":%u",
         all.total, all.started, unfinished, all.failed);
  printf(",\"lost\":%u,\"silent\":%u,\"backwards\":%u,\"messages\":%llu", all.lost, silent,
         all.backwards, (unsigned long long)all.messages);
  printf(",\"fromMs\":%.0f,\"toMs\":%.0f", to_ms(all.opening_ns), to_ms(all.end_ns));
  print_gaps();
  print_losses();
  printf("}\n");
  print_failures();
  return all.failed || unfinished || all.lost || silent || all.backwards;
}

int run_watch(void) {
  all.total = options.count * (options.streams ? options.streams : 1);
  raise_file_limit(all.total + 16);
  session_hooks = (struct SessionHooks){on_started, on_media, on_closed};
  all.players = calloc(all.total, sizeof *all.players);
  all.watched = calloc(all.total, sizeof *all.watched);
  all.epoll = epoll_create1(EPOLL_CLOEXEC);
  all.opening_ns = now_ns();
  all.end_ns = all.opening_ns + seconds_ns(options.seconds);
  loop();
  return report();
}
