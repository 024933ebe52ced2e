// The broadcast log without sockets: what players read must be a well-formed chunk stream with the
// messages that went in, wherever the writes are cut.
#include "engine/broadcast_log.h"

#include <memory>
#include <random>
#include <string>

#include "check.h"
#include "chunk_decoder.h"
#include "log_player.h"

using namespace srs;

namespace {

using Player = PlayerOf<ChunkDecoder>;

constexpr size_t kAnyStep = 1 << 20;

void SplitsKeepMessagesWhole() {
  LogOptions options;
  options.chunk_size = 128;
  for (size_t step : {1, 2, 3, 7, 64, 129, 1000, 1 << 20}) {
    BroadcastLog log(options);
    PutHeaders(&log);
    Put(&log, kTypeVideo, 1000, kKeyFrame, Body(3000, 1));
    Player player(&log, step);
    std::vector<std::string> expected = {"metadata", "avcC", "asc", Body(3000, 1)};
    std::vector<uint32_t> times = {0, 0, 0, 0};
    for (int i = 0; i < 60; i++) {
      uint8_t type = i % 3 == 0 ? kTypeVideo : kTypeAudio;
      std::string body = Body(static_cast<size_t>(i) * 37 + 1, i);
      Put(&log, type, 1000 + i * 20, type == kTypeVideo ? kInterFrame : 0, body);
      expected.push_back(body);
      times.push_back(static_cast<uint32_t>(i * 20));
      if (i % 7 == 0) player.Write();
    }
    player.Drain();
    auto got = player.decoder.Take();
    CHECK(player.decoder.error().empty());
    CHECK(player.decoder.AtBoundary());
    CHECK_EQ(got.size(), expected.size());
    for (size_t i = 0; i < std::min(got.size(), expected.size()); i++) {
      CHECK(got[i].payload == expected[i]);
      CHECK_EQ(got[i].timestamp, times[i]);
      CHECK_EQ(got[i].stream_id, 5u);
    }
  }
}

void JoinStartsAtTheKeyFrame() {
  BroadcastLog log(LogOptions{});
  PutHeaders(&log);
  for (int i = 0; i < 100; i++) {
    Put(&log, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(500, i));
  }
  Player player(&log, kAnyStep);
  player.Drain();
  auto got = player.decoder.Take();
  CHECK_EQ(got.size(), 3u + 25u);
  CHECK(got[1].payload == "avcC");
  CHECK(got[3].payload == Body(500, 75));
  CHECK_EQ(got[3].timestamp, 0u);
  CHECK_EQ(got[27].timestamp, 24u * 40);
  CHECK_EQ(MessagesOf(player.cursor), 25u);
}

void JoinWithoutGopWaitsForAKeyFrame() {
  LogOptions options;
  options.gop_cache = false;
  BroadcastLog log(options);
  PutHeaders(&log);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key0");
  Player player(&log, kAnyStep);
  Put(&log, kTypeVideo, 40, kInterFrame, "inter");
  Put(&log, kTypeAudio, 50, 0, "audio");
  Put(&log, kTypeVideo, 80, kKeyFrame, "key1");
  Put(&log, kTypeVideo, 120, kInterFrame, "inter1");
  player.Drain();
  auto got = player.decoder.Take();
  CHECK(player.decoder.error().empty());
  CHECK_EQ(got.size(), 6u);
  CHECK(got[3].payload == "audio");
  CHECK(got[4].payload == "key1");
  CHECK(got[5].payload == "inter1");
  CHECK_EQ(got[5].timestamp - got[4].timestamp, 40u);
  CHECK_EQ(player.cursor.dropped, 1u);
}

void ADroppedFrameDoesNotStartTheClock() {
  LogOptions options;
  options.gop_cache = false;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key0");
  Player player(&log, kAnyStep);
  Put(&log, kTypeVideo, 40, kInterFrame, "inter");
  Put(&log, kTypeVideo, 5000, kKeyFrame, "key1");
  player.Drain();
  auto got = player.decoder.Take();
  CHECK_EQ(got.size(), 1u);
  CHECK_EQ(got[0].timestamp, 0u);
}

void AudioBeforeTheStartIsNotNegative() {
  LogOptions options;
  options.chunk_size = 128;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 960, kKeyFrame, "k");
  Put(&log, kTypeAudio, 970, 0, "a");
  Put(&log, kTypeVideo, 1000, kKeyFrame, "key");
  Put(&log, kTypeAudio, 993, 0, "before");
  Put(&log, kTypeData, 993, 0, "data");
  Put(&log, kTypeAudio, 1016, 0, "after");
  Put(&log, kTypeAudio, 1039, 0, "later");
  for (size_t step : {1, 1 << 20}) {
    Player player(&log, step);
    player.Drain();
    auto got = player.decoder.Take();
    CHECK(player.decoder.error().empty());
    CHECK_EQ(got.size(), 5u);
    const uint32_t times[] = {0, 0, 0, 16, 39};
    for (size_t i = 0; i < got.size() && i < 5; i++) CHECK_EQ(got[i].timestamp, times[i]);
  }
}

void TinyMessagesCountWithTheirIndex() {
  LogOptions options;
  options.gop_cache_max_bytes = 1 << 20;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key");
  int messages = 0;
  while (log.has_gop() && messages < 1000000) {
    Put(&log, kTypeVideo, 0, kInterFrame, "x");
    messages++;
  }
  CHECK(messages < (1 << 20) / static_cast<int>(sizeof(Entry)));
  // A player that takes nothing is held by the same measure.
  Player stuck(&log, 1);
  for (int i = 0; i < 3000000 && stuck.cursor.jumps == 0; i++) {
    Put(&log, kTypeVideo, 0, kInterFrame, "x");
    JumpIfLagging(&stuck.cursor, &stuck.out);
  }
  CHECK_EQ(stuck.cursor.jumps, 1u);
}

void HeadersAreCapped() {
  BroadcastLog log(LogOptions{});
  for (int slot = 0; slot < 20; slot++) {
    Put(&log, kTypeVideo, 0, kSequenceHeader, Body(60 * 1024, slot), slot);
  }
  CHECK_EQ(log.headers()->size(), 4u);
  Put(&log, kTypeVideo, 0, kSequenceHeader, Body(100, 1), 1);
  CHECK_EQ(log.headers()->size(), 4u);
  CHECK_EQ((*log.headers())[1].payload->size(), 100u);
  // One that has grown too large no longer stands for its track.
  Put(&log, kTypeVideo, 0, kSequenceHeader, Body(300 * 1024, 1), 1);
  CHECK_EQ(log.headers()->size(), 3u);
}

void ManyFramesLeftOutAreProgress() {
  LogOptions options;
  options.gop_cache = false;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key0");
  Player player(&log, kAnyStep);
  for (int i = 1; i < 200; i++) Put(&log, kTypeVideo, i * 40, kInterFrame, "inter");
  Put(&log, kTypeVideo, 8000, kKeyFrame, "key1");
  for (int i = 0; i < 5; i++) player.Write();
  auto got = player.decoder.Take();
  CHECK_EQ(got.size(), 1u);
}

void PlayerBeforePublisherStartsAtZero() {
  BroadcastLog log(LogOptions{});
  Player player(&log, 3);
  player.Drain();
  PutHeaders(&log);
  Put(&log, kTypeVideo, 5000000, kKeyFrame, "key");
  Put(&log, kTypeAudio, 5000010, 0, "audio");
  player.Drain();
  auto got = player.decoder.Take();
  CHECK_EQ(got.size(), 5u);
  CHECK(player.decoder.error().empty());
}

void ExtendedTimestampsInAbsoluteMode() {
  LogOptions options;
  options.absolute = true;
  options.chunk_size = 200;
  for (size_t step : {1, 5, 333, 1 << 20}) {
    BroadcastLog log(options);
    const int64_t start = 0x7FFFFF00;
    Put(&log, kTypeVideo, start, kKeyFrame | kSequenceHeader, Body(700, 3), 1);
    Put(&log, kTypeVideo, start, kKeyFrame, Body(50000, 1));
    Put(&log, kTypeAudio, start + 5, 0, Body(900, 2));
    Player player(&log, step);
    Put(&log, kTypeVideo, start + 40, kInterFrame, Body(1500, 4));
    Put(&log, kTypeVideo, start - 10, kInterFrame, Body(1500, 5));
    Put(&log, kTypeVideo, start + 0x2000000, kInterFrame, Body(450, 6));
    player.Drain();
    auto got = player.decoder.Take();
    CHECK(player.decoder.error().empty());
    CHECK(player.decoder.AtBoundary());
    CHECK_EQ(got.size(), 6u);
    if (got.size() < 6) continue;
    CHECK_EQ(got[0].timestamp, static_cast<uint32_t>(start));
    CHECK(got[1].payload == Body(50000, 1));
    CHECK_EQ(got[2].timestamp, static_cast<uint32_t>(start + 5));
    CHECK_EQ(got[3].timestamp, static_cast<uint32_t>(start + 40));
    CHECK_EQ(got[4].timestamp, static_cast<uint32_t>(start - 10));
    CHECK_EQ(got[5].timestamp, static_cast<uint32_t>(start + 0x2000000));
    CHECK(got[5].payload == Body(450, 6));
  }
}

void BackwardsPastTheStartBeginsAnew() {
  BroadcastLog log(LogOptions{});
  Put(&log, kTypeVideo, 10000, kKeyFrame, "a");
  Player player(&log, kAnyStep);
  Put(&log, kTypeVideo, 10040, kInterFrame, "b");
  Put(&log, kTypeVideo, 20, kInterFrame, "c");
  Put(&log, kTypeVideo, 60, kInterFrame, "d");
  player.Drain();
  auto got = player.decoder.Take();
  CHECK(player.decoder.error().empty());
  CHECK_EQ(got.size(), 4u);
  CHECK_EQ(got[1].timestamp, 40u);
  CHECK_EQ(got[2].timestamp, 0u);
  CHECK_EQ(got[3].timestamp, 40u);
}

void SlowPlayerJumpsToTheNewestKeyFrame() {
  LogOptions options;
  options.queue_ms = 2000;
  options.chunk_size = 128;
  BroadcastLog log(options);
  PutHeaders(&log);
  Put(&log, kTypeVideo, 0, kKeyFrame, Body(20000, 0));
  Player player(&log, 777);
  for (int i = 0; i < 3; i++) player.Write();
  CHECK(!player.cursor.AtBoundary());
  for (int i = 1; i < 100; i++) {
    Put(&log, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(1000, i));
  }
  CHECK(LagOf(player.cursor) > 2000);
  CHECK(JumpIfLagging(&player.cursor, &player.out));
  CHECK(LagOf(player.cursor) < 2000);
  player.Drain();
  auto got = player.decoder.Take();
  CHECK(player.decoder.error().empty());
  CHECK(player.decoder.AtBoundary());
  // The message in flight, the new preface, then the GOP that begins at frame 75.
  CHECK_EQ(got.size(), 3u + 1u + 3u + 25u);
  CHECK(got[3].payload == Body(20000, 0));
  CHECK(got[5].payload == "avcC");
  CHECK(got[7].payload == Body(1000, 75));
  CHECK_EQ(got[7].timestamp, 75u * 40);
  CHECK_EQ(player.cursor.dropped, 74u);
  CHECK_EQ(player.cursor.jumps, 1u);
}

void StuckPlayersDoNotHoldTheLog() {
  LogOptions options;
  options.queue_ms = 1000;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 0, kKeyFrame, Body(100, 0));
  Player stuck(&log, 10);
  Player paused(&log, 10);
  paused.cursor.paused = true;
  uint64_t most = 0;
  for (int i = 1; i < 5000; i++) {
    Put(&log, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(1250, i));
    JumpIfLagging(&stuck.cursor, &stuck.out);
    ParkIfLagging(&paused.cursor, &paused.out);
    most = std::max(most, log.held_bytes());
  }
  CHECK(most < 200 * 1024);
  CHECK(stuck.out.size() < 8 * 1024);
  CHECK_EQ(paused.out.size(), 0u);
  CHECK(Unpause(&paused.cursor, &paused.out));
  paused.step = kAnyStep;
  paused.Drain();
  auto got = paused.decoder.Take();
  CHECK(paused.decoder.error().empty());
  CHECK(got[0].payload == Body(1250, 4975));
  stuck.step = kAnyStep;
  stuck.Drain();
  CHECK(stuck.decoder.error().empty());
}

void DurationLimitStopsBetweenMessages() {
  BroadcastLog log(LogOptions{});
  Put(&log, kTypeVideo, 0, kKeyFrame, "key");
  Player player(&log, kAnyStep);
  player.cursor.limit_ms = 100;
  for (int i = 1; i < 10; i++) Put(&log, kTypeVideo, i * 40, kInterFrame, "inter");
  player.Drain();
  CHECK_EQ(player.decoder.Take().size(), 3u);
  CHECK(EndAtLimit(&player.cursor));
  CHECK(player.cursor.ended);
}

void RepublishKeepsPlayersInStep() {
  BroadcastLog log(LogOptions{});
  PutHeaders(&log);
  Put(&log, kTypeVideo, 0, kKeyFrame, "one");
  Player player(&log, kAnyStep);
  player.Drain();
  log.Reset();
  Player between(&log, kAnyStep);
  between.Drain();
  CHECK_EQ(between.decoder.Take().size(), 0u);
  Put(&log, kTypeVideo, 40, kKeyFrame | kSequenceHeader, "new avcC", 1);
  Put(&log, kTypeVideo, 40, kKeyFrame, "two");
  player.Drain();
  between.Drain();
  auto got = player.decoder.Take();
  CHECK_EQ(got.size(), 6u);
  CHECK(got[4].payload == "new avcC");
  CHECK_EQ(got[5].timestamp, 40u);
  CHECK_EQ(between.decoder.Take().size(), 2u);
  CHECK(player.decoder.error().empty());
  CHECK(between.decoder.error().empty());
}

void PureAudioKeepsNoGop() {
  BroadcastLog log(LogOptions{});
  Put(&log, kTypeVideo, 0, kKeyFrame, "key");
  CHECK(log.has_gop());
  for (int i = 0; i < 200; i++) Put(&log, kTypeAudio, i * 26, 0, Body(300, i));
  CHECK(!log.has_gop());
  CHECK_EQ(log.held_bytes(), BroadcastLog::kSegmentSize);
}

void EndlessGopIsCapped() {
  LogOptions options;
  options.gop_cache_max_bytes = 100 * 1024;
  BroadcastLog log(options);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key");
  for (int i = 1; i < 500; i++) Put(&log, kTypeVideo, i, kInterFrame, Body(1000, i));
  CHECK(!log.has_gop());
  CHECK(log.held_bytes() <= 2 * BroadcastLog::kSegmentSize);
}

// Random messages, random writes, players that come, jump, pause and go: never a malformed stream.
void RandomWalk() {
  std::mt19937 random(20260101);
  for (int round = 0; round < 60; round++) {
    LogOptions options;
    options.chunk_size = static_cast<uint32_t>(1 + random() % 3000);
    options.queue_ms = 500 + random() % 3000;
    options.absolute = random() % 3 == 0;
    options.gop_cache = random() % 4 != 0;
    BroadcastLog log(options);
    std::vector<std::unique_ptr<Player>> players;
    int64_t time = random() % 2 ? 0 : 0xFFFF00;
    for (int step = 0; step < 400; step++) {
      time += random() % 60;
      if (random() % 97 == 0) time -= 3000;
      uint32_t what = random() % 20;
      std::string body = Body(1 + random() % (what == 0 ? 40000 : 900), step);
      if (what == 0) {
        Put(&log, kTypeVideo, time, kKeyFrame, body);
      } else if (what < 8) {
        Put(&log, kTypeVideo, time, kInterFrame, body);
      } else if (what < 15) {
        Put(&log, kTypeAudio, time, 0, body);
      } else if (what == 15) {
        Put(&log, kTypeVideo, time, kKeyFrame | kSequenceHeader, body, 1);
      } else if (what == 16) {
        Put(&log, kTypeData, time, 0, body, 0);
      } else if (what == 17 && random() % 4 == 0) {
        log.Reset();
      } else if (what == 18) {
        players.push_back(std::make_unique<Player>(&log, 1 + random() % 5000));
      } else if (what == 19 && !players.empty()) {
        players.erase(players.begin() + static_cast<long>(random() % players.size()));
      }
      for (auto& player : players) {
        if (random() % 50 == 0) player->cursor.paused = true;
        if (player->cursor.paused && random() % 20 == 0) Unpause(&player->cursor, &player->out);
        if (player->cursor.paused) {
          ParkIfLagging(&player->cursor, &player->out);
        } else {
          JumpIfLagging(&player->cursor, &player->out);
        }
        if (random() % 3 == 0) player->Write();
      }
    }
    for (auto& player : players) {
      if (player->cursor.paused) Unpause(&player->cursor, &player->out);
      player->Drain();
      CHECK(player->decoder.error().empty());
      CHECK(player->decoder.AtBoundary());
    }
  }
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"writes cut anywhere keep messages whole", SplitsKeepMessagesWhole},
      {"a new player starts at the key frame, at time zero", JoinStartsAtTheKeyFrame},
      {"without a GOP cache inter frames wait for a key frame", JoinWithoutGopWaitsForAKeyFrame},
      {"a dropped frame does not start a player's clock", ADroppedFrameDoesNotStartTheClock},
      {"audio before the start is not negative", AudioBeforeTheStartIsNotNegative},
      {"tiny messages count with their index", TinyMessagesCountWithTheirIndex},
      {"headers are capped", HeadersAreCapped},
      {"many frames left out are progress", ManyFramesLeftOutAreProgress},
      {"a player before the publisher gets everything", PlayerBeforePublisherStartsAtZero},
      {"extended timestamps stand in every chunk", ExtendedTimestampsInAbsoluteMode},
      {"a clock that goes back past the start begins anew", BackwardsPastTheStartBeginsAnew},
      {"a slow player jumps to the newest key frame", SlowPlayerJumpsToTheNewestKeyFrame},
      {"stuck and paused players do not hold the log", StuckPlayersDoNotHoldTheLog},
      {"a duration limit stops between messages", DurationLimitStopsBetweenMessages},
      {"players stay over a republish", RepublishKeepsPlayersInStep},
      {"pure audio keeps no GOP", PureAudioKeepsNoGop},
      {"an endless GOP is capped", EndlessGopIsCapped},
      {"a random walk never makes a malformed stream", RandomWalk},
  };
  return check::Run(cases, sizeof(cases) / sizeof(cases[0]));
}
