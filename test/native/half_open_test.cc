// Sockets whose peer has ended, and FLV players on sockets of the loop.
#include <errno.h>
#include <sys/socket.h>

#include <string>

#include "check.h"
#include "flv_decoder.h"
#include "loop_fixture.h"

using namespace srs;

namespace {

void WriteText(Loop* loop, int32_t slot, const std::string& text) {
  loop->Write(slot, reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// Takes what has come; returns whether the end has come, too.
bool Receive(int fd, std::string* to) {
  char bytes[65536];
  ssize_t got;
  while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) to->append(bytes, static_cast<size_t>(got));
  return got == 0;
}

// A pair whose peer has said "ask" and ended.
int EndedPair(Fixture* f, int32_t* slot) {
  int fd = f->Connect(slot);
  f->loop.SetHalfOpen(*slot, true);
  CHECK_EQ(send(fd, "ask", 3, 0), 3);
  shutdown(fd, SHUT_WR);
  CHECK(f->RunUntil([&] { return f->ended.size() == 1; }));
  CHECK(f->received == "ask");
  return fd;
}

void WritingGoesOnAfterThePeersEnd() {
  Fixture f;
  int32_t slot;
  int fd = EndedPair(&f, &slot);
  // The end is told once, and does not keep the loop turning.
  f.RunUntil([] { return false; }, 100);
  uint64_t turns = f.loop.stats().turns;
  f.RunUntil([] { return false; }, 300);
  CHECK(f.loop.stats().turns - turns <= 1);
  CHECK_EQ(f.ended.size(), 1u);
  CHECK(f.closed.empty());
  const std::string body(4 * 1024 * 1024, 'a');
  WriteText(&f.loop, slot, body);
  std::string got;
  CHECK(f.RunUntil([&] {
    Receive(fd, &got);
    return got.size() == body.size();
  }));
  CHECK(f.loop.SocketAt(slot)->IsOpen());
}

void EndClosesAsSoonAsAllIsSent() {
  Fixture f;
  int32_t slot;
  int fd = EndedPair(&f, &slot);
  const std::string body(4 * 1024 * 1024, 'b');
  WriteText(&f.loop, slot, body);
  f.loop.End(slot);
  std::string got;
  bool ended = false;
  CHECK(f.RunUntil([&] {
    ended = ended || Receive(fd, &got);
    return ended && f.closed.size() == 1;
  }));
  CHECK_EQ(got.size(), body.size());
  CHECK_EQ(f.closed[0].second, 0);
  // With nothing to send there is nothing to wait for.
  f.ended.clear();
  f.received.clear();
  int64_t from = MonotonicMs();
  fd = EndedPair(&f, &slot);
  f.loop.End(slot);
  f.loop.End(slot);
  f.loop.Destroy(slot);
  CHECK(f.RunUntil([&] { return f.closed.size() == 2; }));
  CHECK(MonotonicMs() - from < 1000);
  f.RunUntil([] { return false; }, 50);
  CHECK_EQ(f.closed.size(), 2u);
}

void AnEndWhileWeEndLosesNothing() {
  // Without half-open, too: it is our end that is under way.
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  const std::string body(4 * 1024 * 1024, 'c');
  WriteText(&f.loop, slot, body);
  f.loop.End(slot);
  f.RunUntil([] { return false; }, 50);
  shutdown(fd, SHUT_WR);
  f.RunUntil([] { return false; }, 50);
  CHECK(f.ended.empty());
  std::string got;
  CHECK(f.RunUntil([&] {
    Receive(fd, &got);
    return f.closed.size() == 1;
  }));
  Receive(fd, &got);
  CHECK_EQ(got.size(), body.size());
  CHECK_EQ(f.closed[0].second, 0);
}

void AResetCloses() {
  Fixture f;
  int32_t slot;
  int fd = EndedPair(&f, &slot);
  struct linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
  f.peers.clear();
  // Nothing is written meanwhile: epoll tells.
  CHECK(f.RunUntil([&] { return f.closed.size() == 1; }, 1000));
  CHECK(f.closed[0].second != ETIMEDOUT);
  f.ended.clear();
  f.received.clear();
  // One that is gone learns of it by what we write.
  EndedPair(&f, &slot);
  close(f.peers[0]);
  f.peers.clear();
  for (int i = 0; i < 20 && f.closed.size() < 2; i++) {
    WriteText(&f.loop, slot, "anybody there?");
    f.RunUntil([&] { return f.closed.size() == 2; }, 50);
  }
  CHECK_EQ(f.closed.size(), 2u);
}

void ItsSilenceCountsNoLonger() {
  Fixture f;
  int32_t slot;
  int fd = EndedPair(&f, &slot);
  f.loop.SetTimeouts(slot, 100, 300);
  f.RunUntil([] { return false; }, 1500);
  CHECK(f.closed.empty());
  // But that it takes nothing does.
  WriteText(&f.loop, slot, std::string(8 * 1024 * 1024, 'd'));
  CHECK(f.RunUntil([&] { return f.closed.size() == 1; }));
  CHECK_EQ(f.closed[0].second, ETIMEDOUT);
  CHECK(fd >= 0);
}

void TurnedOffItClosesLikeAnyOther() {
  Fixture f;
  int32_t slot;
  EndedPair(&f, &slot);
  f.loop.SetHalfOpen(slot, false);
  CHECK(f.RunUntil([&] { return f.closed.size() == 1; }));
  CHECK_EQ(f.closed[0].second, 0);
  int fd = f.Connect(&slot);
  f.loop.SetHalfOpen(slot, true);
  f.loop.SetHalfOpen(slot, false);
  shutdown(fd, SHUT_WR);
  CHECK(f.RunUntil([&] { return f.closed.size() == 2; }));
  CHECK_EQ(f.ended.size(), 1u);
}

void PausedAndMergedReadsMeetTheEnd() {
  Fixture f;
  int32_t slot;
  int fd = f.Connect(&slot);
  f.loop.SetHalfOpen(slot, true);
  f.loop.PauseRead(slot, true);
  CHECK_EQ(send(fd, "first", 5, 0), 5);
  shutdown(fd, SHUT_WR);
  f.RunUntil([] { return false; }, 100);
  CHECK(f.ended.empty());
  f.loop.PauseRead(slot, false);
  CHECK(f.RunUntil([&] { return f.ended.size() == 1; }));
  CHECK(f.received == "first");
  f.loop.PauseRead(slot, true);
  f.loop.PauseRead(slot, false);
  f.loop.SetMergedRead(slot, 20, 20);
  uint64_t reads = f.loop.stats().reads;
  f.RunUntil([] { return false; }, 100);
  CHECK_EQ(f.ended.size(), 1u);
  CHECK_EQ(f.loop.stats().reads, reads);
  int32_t other;
  int second = f.Connect(&other);
  f.loop.SetHalfOpen(other, true);
  f.loop.SetMergedRead(other, 20, 20);
  shutdown(second, SHUT_WR);
  CHECK(f.RunUntil([&] { return f.ended.size() == 2; }));
  WriteText(&f.loop, other, "bye");
  f.loop.End(other);
  std::string got;
  CHECK(f.RunUntil([&] { return Receive(second, &got); }));
  CHECK(got == "bye");
}

void FlvPlayersBeginWithOwnBytes() {
  for (int64_t flush_ms : {0, 20}) {
    Fixture f;
    LogOptions options;
    options.chunk_size = 1000;
    int log = f.loop.CreateLog(options);
    Put(&f.loop, log, kTypeVideo, 0, kKeyFrame, 9000);
    int32_t slot;
    int fd = EndedPair(&f, &slot);
    const std::string head = "HTTP/1.1 200 OK\r\n\r\nFLV";
    WriteText(&f.loop, slot, head);
    f.loop.Attach(slot, log, 0, flush_ms, LogFormat::kFlv);
    CHECK(f.loop.LogAt(log)->has_flv());
    for (int i = 1; i < 50; i++) Put(&f.loop, log, kTypeVideo, i * 40, kInterFrame, 9000);
    std::string got;
    const size_t expected = head.size() + 50 * (11 + 9000 + 4);
    CHECK(f.RunUntil([&] {
      Receive(fd, &got);
      return got.size() == expected;
    }));
    CHECK(got.substr(0, head.size()) == head);
    FlvDecoder decoder;
    decoder.Push(reinterpret_cast<const uint8_t*>(got.data()) + head.size(),
                 got.size() - head.size());
    CHECK(decoder.error().empty());
    CHECK_EQ(decoder.Take().size(), 50u);
    // Leaving completes the tag that is under way, more than the kernel may hold of it; then the
    // twin is gone.
    constexpr size_t kLarge = 15 * 1024 * 1024;
    Put(&f.loop, log, kTypeVideo, 4000, kKeyFrame, kLarge);
    f.loop.SetFlushMs(slot, 0);
    f.loop.Turn();
    CHECK(!f.loop.SocketAt(slot)->cursor->AtBoundary());
    f.loop.Detach(slot);
    CHECK(!f.loop.LogAt(log)->has_flv());
    f.loop.End(slot);
    got.clear();
    CHECK(f.RunUntil([&] { return Receive(fd, &got); }));
    CHECK_EQ(got.size(), 11 + kLarge + 4);
    // A peer that goes away takes the twin with it.
    int second = f.Connect(&slot);
    f.loop.Attach(slot, log, 0, flush_ms, LogFormat::kFlv);
    CHECK(f.loop.LogAt(log)->has_flv());
    shutdown(second, SHUT_WR);
    CHECK(f.RunUntil([&] { return f.closed.size() == 2; }));
    CHECK(!f.loop.LogAt(log)->has_flv());
    f.loop.CloseLog(log);
  }
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"writing goes on after the peer's end", WritingGoesOnAfterThePeersEnd},
      {"end closes as soon as all is sent", EndClosesAsSoonAsAllIsSent},
      {"an end of the peer while we end loses nothing", AnEndWhileWeEndLosesNothing},
      {"a reset closes", AResetCloses},
      {"silence counts no longer, taking nothing does", ItsSilenceCountsNoLonger},
      {"turned off it closes like any other", TurnedOffItClosesLikeAnyOther},
      {"paused and merged reads meet the end", PausedAndMergedReadsMeetTheEnd},
      {"FLV players begin with own bytes", FlvPlayersBeginWithOwnBytes},
  };
  return check::Run(cases, sizeof(cases) / sizeof(cases[0]));
}
