// The event loop over real loopback sockets: accept, read, write, players, pacing, timeouts.
#include "engine/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "chunk_decoder.h"
#include "loop_fixture.h"

using namespace srs;

namespace {

void EchoesLargeAmounts() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  f.on_data = [&](int32_t from) {
    f.loop.Write(from, reinterpret_cast<const uint8_t*>(f.received.data()), f.received.size());
    f.received.clear();
  };
  const std::string sent(3 * 1024 * 1024, 'x');
  std::string back;
  size_t at = 0;
  CHECK(f.RunUntil([&] {
    if (at < sent.size()) {
      ssize_t n = send(fd, sent.data() + at, sent.size() - at, MSG_NOSIGNAL);
      if (n > 0) at += static_cast<size_t>(n);
    }
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) back.append(bytes, static_cast<size_t>(n));
    return back.size() == sent.size();
  }));
  CHECK(back == sent);
}

void ManyConnectionsAndFullBatches() {
  Fixture f(32 * 1024, 8);
  for (int i = 0; i < 100; i++) f.Dial();
  CHECK(f.RunUntil([&] { return f.accepted.size() == 100; }));
  for (int fd : f.peers) CHECK_EQ(send(fd, "hello", 5, 0), 5);
  CHECK(f.RunUntil([&] { return f.received.size() == 500; }));
  for (int fd : f.peers) close(fd);
  f.peers.clear();
  CHECK(f.RunUntil([&] { return f.closed.size() == 100; }));
  for (auto& [slot, error] : f.closed) CHECK_EQ(error, 0);
  CHECK_EQ(f.loop.open_sockets(), 0u);
  // The places are used again.
  int32_t slot;
  f.Connect(&slot);
  CHECK(slot < 100);
}

void CallbacksMayDestroyAnything() {
  Fixture f;
  int32_t first;
  int32_t second;
  int a = f.Connect(&first);
  int b = f.Connect(&second);
  f.on_data = [&](int32_t) {
    f.loop.Destroy(first);
    f.loop.Destroy(second);
    f.loop.Destroy(second);
    f.loop.Write(first, reinterpret_cast<const uint8_t*>("x"), 1);
  };
  CHECK_EQ(send(a, "1", 1, 0), 1);
  CHECK_EQ(send(b, "2", 1, 0), 1);
  CHECK(f.RunUntil([&] { return f.closed.size() == 2; }));
  CHECK_EQ(f.closed.size(), 2u);
}

void EndSendsEverythingFirst() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  const std::string body(2 * 1024 * 1024, 'y');
  f.loop.Write(slot, reinterpret_cast<const uint8_t*>(body.data()), body.size());
  f.loop.End(slot);
  // The peer talks on meanwhile; our last words must reach it all the same.
  CHECK_EQ(send(fd, "still talking", 13, 0), 13);
  std::string got;
  bool ended = false;
  CHECK(f.RunUntil([&] {
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) got.append(bytes, static_cast<size_t>(n));
    if (n == 0 && !ended) {
      ended = true;
      shutdown(fd, SHUT_WR);
    }
    return ended && !f.closed.empty();
  }));
  CHECK_EQ(got.size(), body.size());
}

void ConnectsOut() {
  Fixture f;
  int slot = f.loop.Connect("127.0.0.1", f.port, 1000);
  CHECK(slot >= 0);
  f.loop.Write(slot, reinterpret_cast<const uint8_t*>("early"), 5);
  CHECK(f.RunUntil([&] { return f.received == "early"; }));
  CHECK_EQ(f.connected.size(), 1u);
  CHECK_EQ(f.loop.Connect("not an address", 1, 1000), -EINVAL);
  // Nothing listens on a port that was just closed.
  f.loop.CloseListener(f.listener);
  int refused = f.loop.Connect("127.0.0.1", f.port, 1000);
  CHECK(f.RunUntil([&] { return !f.closed.empty(); }));
  CHECK_EQ(f.closed[0].first, refused);
  CHECK_EQ(f.closed[0].second, ECONNREFUSED);
}

void SilenceTimesOut() {
  Fixture f;
  int32_t slot;
  f.Connect(&slot);
  f.loop.SetTimeouts(slot, 300, 0);
  CHECK(f.RunUntil([&] { return !f.closed.empty(); }));
  CHECK_EQ(f.closed[0].second, ETIMEDOUT);
}

void AStuckPeerTimesOut() {
  Fixture f;
  int32_t slot;
  f.Connect(&slot);
  f.loop.SetTimeouts(slot, 0, 300);
  const std::string body(8 * 1024 * 1024, 'z');
  f.loop.Write(slot, reinterpret_cast<const uint8_t*>(body.data()), body.size());
  CHECK(f.RunUntil([&] { return !f.closed.empty(); }));
  CHECK_EQ(f.closed[0].second, ETIMEDOUT);
}

void TooMuchOwnDataCloses() {
  Fixture f;
  int32_t slot;
  f.Connect(&slot);
  const std::string body(1024 * 1024, 'z');
  int64_t result = 0;
  for (int i = 0; i < 40 && result >= 0; i++) {
    result = f.loop.Write(slot, reinterpret_cast<const uint8_t*>(body.data()), body.size());
  }
  CHECK_EQ(result, -ENOBUFS);
  CHECK(f.RunUntil([&] { return !f.closed.empty(); }));
}

void PlayersGetTheStream() {
  for (int64_t flush_ms : {0, 20}) {
    Fixture f;
    LogOptions options;
    options.chunk_size = 4096;
    int log = f.loop.CreateLog(options);
    std::vector<int> fds;
    std::vector<ChunkDecoder> decoders;
    for (int i = 0; i < 40; i++) {
      int32_t slot;
      fds.push_back(f.Connect(&slot));
      decoders.emplace_back(4096);
      f.loop.Attach(slot, log, 1, flush_ms);
    }
    for (int i = 0; i < 50; i++) {
      Put(&f.loop, log, kTypeVideo, i * 40, i % 10 == 0 ? kKeyFrame : kInterFrame, 9000);
    }
    std::vector<size_t> counts(fds.size());
    CHECK(f.RunUntil([&] {
      bool all = true;
      for (size_t i = 0; i < fds.size(); i++) {
        Fixture::ReadAll(fds[i], &decoders[i]);
        counts[i] += decoders[i].Take().size();
        all = all && counts[i] == 50;
      }
      return all;
    }));
    for (auto& decoder : decoders) CHECK(decoder.error().empty());
    f.loop.CloseLog(log);
  }
}

void OwnBytesStandBetweenMessages() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  int small = 64 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  int log = f.loop.CreateLog(LogOptions{});
  f.loop.Attach(slot, log, 1, 10);
  ChunkDecoder decoder(60000);
  // A ping response of 6 bytes on chunk stream 2, written while large messages are in flight.
  const uint8_t ping[] = {2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1};
  size_t pings = 0;
  size_t videos = 0;
  int step = 0;
  CHECK(f.RunUntil(
      [&] {
        if (step < 60) {
          Put(&f.loop, log, kTypeVideo, step * 40, step % 20 == 0 ? kKeyFrame : kInterFrame,
              150000);
          f.loop.Write(slot, ping, sizeof(ping));
          step++;
        }
        Fixture::ReadAll(fd, &decoder, 200000);
        for (const Message& message : decoder.Take()) {
          pings += message.type == 4 ? 1 : 0;
          videos += message.type == 9 ? 1 : 0;
        }
        return step == 60 && pings == 60 && videos == 60;
      },
      20000));
  CHECK(decoder.error().empty());
}

void DetachKeepsTheConnectionUsable() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  int log = f.loop.CreateLog(LogOptions{});
  f.loop.Attach(slot, log, 1, 0);
  ChunkDecoder decoder(60000);
  for (int i = 0; i < 100; i++) {
    Put(&f.loop, log, kTypeVideo, i * 40, i == 0 ? kKeyFrame : kInterFrame, 100000);
  }
  CHECK(f.RunUntil([&] { return f.loop.stats().writes > 0; }));
  f.loop.Detach(slot);
  const uint8_t ping[] = {2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1};
  f.loop.Write(slot, ping, sizeof(ping));
  bool ponged = false;
  CHECK(f.RunUntil([&] {
    Fixture::ReadAll(fd, &decoder);
    for (const Message& message : decoder.Take()) ponged = ponged || message.type == 4;
    return ponged;
  }));
  CHECK(decoder.error().empty());
  CHECK(decoder.AtBoundary());
}

void SendWhatWaitsAndEnd(int64_t flush_ms) {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  int log = f.loop.CreateLog(LogOptions{});
  f.loop.Attach(slot, log, 1, flush_ms);
  f.loop.Turn();
  for (int i = 0; i < 10; i++) {
    Put(&f.loop, log, kTypeVideo, i * 40, i == 0 ? kKeyFrame : kInterFrame, 1000);
  }
  f.loop.SetFlushMs(slot, 0);
  const uint8_t ping[] = {2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1};
  f.loop.Write(slot, ping, sizeof(ping));
  f.loop.End(slot);
  ChunkDecoder decoder(60000);
  std::vector<Message> got;
  CHECK(f.RunUntil([&] {
    Fixture::ReadAll(fd, &decoder);
    for (Message& message : decoder.Take()) got.push_back(std::move(message));
    return got.size() == 11;
  }));
  CHECK(!got.empty() && got.back().type == 4);
}

void WhatWaitsGoesOutBeforeTheEnd() {
  SendWhatWaitsAndEnd(60000);
  // What is sent at once waits for the end of the turn.
  SendWhatWaitsAndEnd(0);
}

void SlowReadersDoNotHurtGoodOnes() {
  Fixture f;
  LogOptions options;
  options.queue_ms = 2000;
  int log = f.loop.CreateLog(options);
  std::vector<int> good;
  std::vector<ChunkDecoder> decoders;
  std::vector<size_t> counts(5);
  for (int i = 0; i < 20; i++) {
    int32_t slot;
    int fd = f.Connect(&slot);
    f.loop.Attach(slot, log, 1, 5);
    if (i < 5) {
      good.push_back(fd);
      decoders.emplace_back(60000);
    }
  }
  uint64_t most = 0;
  int step = 0;
  CHECK(f.RunUntil(
      [&] {
        if (step < 1000) {
          Put(&f.loop, log, kTypeVideo, step * 40, step % 25 == 0 ? kKeyFrame : kInterFrame, 20000);
          step++;
        }
        most = std::max(most, f.loop.LogAt(log)->held_bytes());
        bool all = step == 1000;
        for (size_t i = 0; i < good.size(); i++) {
          Fixture::ReadAll(good[i], &decoders[i]);
          counts[i] += decoders[i].Take().size();
          all = all && counts[i] == 1000;
        }
        return all;
      },
      20000));
  for (auto& decoder : decoders) CHECK(decoder.error().empty());
  // Two seconds and a GOP of 20 KB frames at 25 fps, not the forty seconds that were sent.
  CHECK(most < 6 * 1024 * 1024);
}

void MergedReadGathers() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  f.loop.SetMergedRead(slot, 50, 50);
  uint64_t before = f.loop.stats().reads;
  size_t sent = 0;
  CHECK(f.RunUntil([&] {
    for (int i = 0; i < 20 && sent < 200; i++) sent += send(fd, "0123456789", 10, 0) == 10 ? 1 : 0;
    return f.received.size() == 2000;
  }));
  CHECK(f.loop.stats().reads - before < 20);
  f.loop.SetMergedRead(slot, 0, 0);
  CHECK_EQ(send(fd, "!", 1, 0), 1);
  CHECK(f.RunUntil([&] { return f.received.size() == 2001; }));
  close(fd);
  f.peers.clear();
  CHECK(f.RunUntil([&] { return f.closed.size() == 1; }));
}

void LanesRestLongerTheMoreTheyServe() {
  for (auto [sockets, expected] : {std::pair<size_t, int64_t>{1, 20}, {500, 50}, {5000, 80}}) {
    ReadLanes lanes;
    ReadLane* lane = lanes.Choose(20, 80, 1000);
    lane->members = sockets;
    int64_t due = lanes.NextDue();
    CHECK_EQ(due, 1020);
    lanes.RunDue(due, [](uint64_t, uint32_t) {});
    CHECK_EQ(lanes.NextDue() - due, expected);
    lane->members = 0;
    lanes.RunDue(due, [](uint64_t, uint32_t) {});
    CHECK_EQ(lanes.NextDue(), INT64_MAX);
  }
}

void PausedReadHoldsBack() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  f.loop.PauseRead(slot, true);
  CHECK_EQ(send(fd, "later", 5, 0), 5);
  int32_t other;
  f.Connect(&other);
  CHECK(f.received.empty());
  f.loop.PauseRead(slot, false);
  CHECK(f.RunUntil([&] { return f.received == "later"; }));
}

void DurationEndsPlay() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  int log = f.loop.CreateLog(LogOptions{});
  f.loop.Attach(slot, log, 1, 0);
  f.loop.SetDurationLimit(slot, 200);
  for (int i = 0; i < 20; i++) {
    Put(&f.loop, log, kTypeVideo, i * 40, i == 0 ? kKeyFrame : kInterFrame, 100);
  }
  CHECK(f.RunUntil([&] { return f.play_ended == 1; }));
  ChunkDecoder decoder(60000);
  Fixture::ReadAll(fd, &decoder);
  CHECK_EQ(decoder.Take().size(), 5u);
}

void AStaleEndIsNotTheNewPlays() {
  Fixture f;
  int32_t slot;
  f.Connect(&slot);
  int log = f.loop.CreateLog(LogOptions{});
  Put(&f.loop, log, kTypeVideo, 0, kKeyFrame, 100);
  f.loop.Attach(slot, log, 1, 0);
  f.loop.SetDurationLimit(slot, 10);
  for (int i = 1; i < 5; i++) Put(&f.loop, log, kTypeVideo, i * 40, kInterFrame, 100);
  CHECK(f.RunUntil([&] { return f.play_ended == 1; }));
  CHECK(f.loop.SocketAt(slot)->cursor->ended);
  f.loop.Detach(slot);
  f.loop.Attach(slot, log, 1, 0);
  CHECK(!f.loop.SocketAt(slot)->cursor->ended);
}

void DrainedComesAlsoWhenTheTurnWasTooShort() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  int large = 8 * 1024 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
  setsockopt(f.loop.SocketAt(slot)->fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
  // Many small writes make many blocks, more than one turn gathers.
  const std::string body(1500, 'b');
  for (int i = 0; i < 2000; i++) {
    f.loop.Write(slot, reinterpret_cast<const uint8_t*>(body.data()), body.size());
  }
  CHECK(f.RunUntil([&] {
    char bytes[65536];
    while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
    }
    return f.drained == 1;
  }));
  CHECK(f.loop.SocketAt(slot)->out.empty());
}

void OutOfDescriptorsIsToldNotLooped() {
  Fixture f;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct rlimit tight = limit;
  tight.rlim_cur = static_cast<rlim_t>(fd) + 1;
  setrlimit(RLIMIT_NOFILE, &tight);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(f.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  CHECK(f.RunUntil([&] { return f.accept_failed > 0; }));
  setrlimit(RLIMIT_NOFILE, &limit);
  char byte;
  ssize_t got = recv(fd, &byte, 1, 0);
  CHECK(got <= 0);
  close(fd);
  // Without the spare descriptor the listener rests, and is back at the next sweep.
  tight.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &tight);
  int failed = f.accept_failed;
  setrlimit(RLIMIT_NOFILE, &limit);
  int other = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_EQ(connect(other, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  setrlimit(RLIMIT_NOFILE, &tight);
  CHECK(f.RunUntil([&] { return f.accept_failed > failed; }));
  uint64_t turns = f.loop.stats().turns;
  int told = f.accept_failed;
  f.RunUntil([] { return false; }, 300);
  CHECK_EQ(f.accept_failed, told);
  CHECK(f.loop.stats().turns - turns < 10);
  setrlimit(RLIMIT_NOFILE, &limit);
  size_t before = f.accepted.size();
  CHECK(f.RunUntil([&] { return f.accepted.size() > before; }));
  close(other);
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"large amounts go both ways", EchoesLargeAmounts},
      {"many connections, full batches and slabs", ManyConnectionsAndFullBatches},
      {"callbacks may destroy anything", CallbacksMayDestroyAnything},
      {"end sends everything first", EndSendsEverythingFirst},
      {"connections go out, or fail with the errno", ConnectsOut},
      {"a silent peer times out", SilenceTimesOut},
      {"a peer that takes nothing times out", AStuckPeerTimesOut},
      {"too much own data closes the socket", TooMuchOwnDataCloses},
      {"players get the stream, paced or at once", PlayersGetTheStream},
      {"own bytes stand between messages", OwnBytesStandBetweenMessages},
      {"detaching keeps the connection usable", DetachKeepsTheConnectionUsable},
      {"what waits for its slot goes out before the end", WhatWaitsGoesOutBeforeTheEnd},
      {"slow readers do not hurt good ones", SlowReadersDoNotHurtGoodOnes},
      {"merged read gathers", MergedReadGathers},
      {"lanes rest longer the more they serve", LanesRestLongerTheMoreTheyServe},
      {"a paused socket is not read", PausedReadHoldsBack},
      {"a duration ends the play", DurationEndsPlay},
      {"the end of a play that was left is not the new one's", AStaleEndIsNotTheNewPlays},
      {"drained comes also when the turn was too short", DrainedComesAlsoWhenTheTurnWasTooShort},
      {"running out of descriptors is told", OutOfDescriptorsIsToldNotLooped},
  };
  return check::Run(cases, sizeof(cases) / sizeof(cases[0]));
}
