// A loop over real loopback sockets, and what its owner is told.
#ifndef SRS_TEST_LOOP_FIXTURE_H_
#define SRS_TEST_LOOP_FIXTURE_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "engine/clock.h"
#include "engine/loop.h"

// A loop with small buffers, so that full slabs and full batches are met too.
struct Fixture {
  explicit Fixture(size_t slab_size = 64 * 1024, size_t capacity = 64)
      : slab(slab_size),
        events(capacity),
        loop(slab.data(), slab.size(), events.data(), capacity, OnDeliver, this) {
    CHECK_EQ(loop.Open(), 0);
    listener = loop.Listen("127.0.0.1", 0, 128);
    CHECK(listener >= 0);
    std::string address;
    srs::AddressOf(loop.ListenerDescriptor(listener), false, &address, &port);
  }
  ~Fixture() {
    for (int fd : peers) close(fd);
  }

  static void OnDeliver(void* owner, size_t count) {
    auto* self = static_cast<Fixture*>(owner);
    for (size_t i = 0; i < count; i++) {
      const srs::Event event = self->events[i];
      if (event.type == srs::kEventAccepted) self->accepted.push_back(event.slot);
      if (event.type == srs::kEventClosed) self->closed.push_back({event.slot, event.a});
      if (event.type == srs::kEventConnected) self->connected.push_back(event.slot);
      if (event.type == srs::kEventEnded) self->ended.push_back(event.slot);
      if (event.type == srs::kEventDrained) self->drained++;
      if (event.type == srs::kEventPlayEnded) self->play_ended++;
      if (event.type == srs::kEventAcceptFailed) self->accept_failed++;
      if (event.type == srs::kEventData) {
        self->received.append(reinterpret_cast<char*>(self->slab.data()) + event.a,
                              static_cast<size_t>(event.b));
        if (self->on_data) self->on_data(event.slot);
      }
    }
  }

  // Turns until `done`, at most about five seconds.
  bool RunUntil(const std::function<bool()>& done, int64_t limit_ms = 5000) {
    int64_t end = srs::MonotonicMs() + limit_ms;
    while (!done()) {
      int64_t left = end - srs::MonotonicMs();
      if (left <= 0) return false;
      struct pollfd waiting = {loop.descriptor(), POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, 50))) > 0) loop.Turn();
    }
    return true;
  }

  int Dial() {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    peers.push_back(fd);
    return fd;
  }
  // A connected pair: the peer's descriptor and our slot.
  int Connect(int32_t* slot) {
    size_t before = accepted.size();
    int fd = Dial();
    CHECK(RunUntil([&] { return accepted.size() > before; }));
    *slot = accepted.back();
    return fd;
  }

  template <typename Decoder>
  static void ReadAll(int fd, Decoder* decoder, size_t at_most = SIZE_MAX) {
    uint8_t bytes[4096];
    while (at_most > 0) {
      ssize_t got = recv(fd, bytes, std::min(sizeof(bytes), at_most), 0);
      if (got <= 0) return;
      decoder->Push(bytes, static_cast<size_t>(got));
      at_most -= static_cast<size_t>(got);
    }
  }

  std::vector<uint8_t> slab;
  std::vector<srs::Event> events;
  srs::Loop loop;
  int listener = -1;
  uint16_t port = 0;
  std::vector<int> peers;
  std::vector<int32_t> accepted;
  std::vector<int32_t> connected;
  std::vector<std::pair<int32_t, int32_t>> closed;
  std::vector<int32_t> ended;
  int drained = 0;
  int play_ended = 0;
  int accept_failed = 0;
  std::string received;
  std::function<void(int32_t)> on_data;
};

inline void Put(srs::Loop* loop, int log, uint8_t type, int64_t time, uint8_t flags, size_t size) {
  std::vector<uint8_t> body(size, static_cast<uint8_t>(time));
  loop->Append(log, type, time, flags, -1, body.data(), static_cast<uint32_t>(size));
}

#endif  // SRS_TEST_LOOP_FIXTURE_H_
