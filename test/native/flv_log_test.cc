// The broadcast log as FLV tags, and the life of that twin beside the RTMP log.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "chunk_decoder.h"
#include "engine/flv_format.h"
#include "engine/live_log.h"
#include "flv_decoder.h"
#include "log_player.h"

using namespace srs;

namespace {

using FlvPlayer = PlayerOf<FlvDecoder>;
using RtmpPlayer = PlayerOf<ChunkDecoder>;

constexpr size_t kAnyStep = 1 << 20;

// What a player got so far; nothing malformed.
template <typename P>
std::vector<Message> Drain(P* player) {
  player->Drain();
  CHECK(player->decoder.error().empty());
  CHECK(player->decoder.AtBoundary());
  return player->decoder.Take();
}

bool Same(const std::vector<Message>& a, const std::vector<Message>& b) {
  auto equal = [](const Message& one, const Message& other) {
    bool timed = one.type != kTypeData;
    return one.type == other.type && one.payload == other.payload &&
           (!timed || one.timestamp == other.timestamp);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

void TagsHoldWhatWentIn() {
  for (size_t step : {1, 3, 11, 15, 1000, 1 << 20}) {
    LiveLog live(LogOptions{});
    FlvPlayer player(live.In(LogFormat::kFlv), step);
    std::vector<std::string> expected;
    // Audio before the video it belongs to, a step back, times beyond 24 and 31 bits.
    const int64_t times[] = {1000, 990, 1040, 20, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0x80000005};
    for (int i = 0; i < 8; i++) {
      expected.push_back(Body(static_cast<size_t>(i) * 5000, i));
      Put(&live, i % 2 ? kTypeAudio : kTypeVideo, times[i], i == 0 ? kKeyFrame : 0, expected[i]);
      if (i % 3 == 0) player.Write();
    }
    auto got = Drain(&player);
    CHECK_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size() && i < 8; i++) {
      CHECK(got[i].payload == expected[i]);
      CHECK_EQ(got[i].timestamp, static_cast<uint32_t>(times[i]));
      CHECK_EQ(got[i].type, i % 2 ? kTypeAudio : kTypeVideo);
    }
  }
}

// Other times make readers take it for subtitles; data that is none keeps its time.
void MetadataIsOfTimeZero() {
  LiveLog live(LogOptions{});
  Put(&live, kTypeVideo, 7000, kKeyFrame, "key");
  Put(&live, kTypeData, 7010, 0, "metadata", 0);
  Put(&live, kTypeData, 7020, 0, "cue point");
  FlvPlayer copied(live.In(LogFormat::kFlv), kAnyStep);
  Put(&live, kTypeData, 7030, 0, "metadata", 0);
  auto got = Drain(&copied);
  CHECK_EQ(got.size(), 4u);
  if (got.size() < 4) return;
  CHECK_EQ(got[0].timestamp, 7000u);
  CHECK_EQ(got[1].timestamp, 0u);
  CHECK_EQ(got[2].timestamp, 7020u);
  CHECK_EQ(got[3].timestamp, 0u);
}

void TheTwinStartsWithTheCachedGop() {
  for (uint32_t chunk_size : {128u, 4096u, 60000u}) {
    LogOptions options;
    options.chunk_size = chunk_size;
    LiveLog live(options);
    // One log has a player from the beginning, so its twin is never a copy.
    LiveLog other(options);
    FlvPlayer first(other.In(LogFormat::kFlv), kAnyStep);
    CHECK(!live.has_flv());
    auto put = [&](uint8_t type, int64_t time, uint8_t flags, const std::string& body,
                   int32_t slot = -1) {
      Put(&live, type, time, flags, body, slot);
      Put(&other, type, time, flags, body, slot);
    };
    put(kTypeData, 0, 0, "metadata", 0);
    put(kTypeVideo, 0, kKeyFrame | kSequenceHeader, "avcC", 1);
    put(kTypeVideo, 0, kKeyFrame, "an old key frame");
    put(kTypeVideo, 4000, kKeyFrame, Body(50000, 1));
    put(kTypeAudio, 3990, 0, Body(chunk_size, 2));
    put(kTypeAudio, 4010, 0, "");
    // A header within the GOP: those who start at its key frame meet it where it stands.
    put(kTypeVideo, 4040, kKeyFrame | kSequenceHeader, "new avcC", 1);
    put(kTypeVideo, 4040, kInterFrame, Body(chunk_size + 1, 3));
    auto late = std::make_unique<FlvPlayer>(live.In(LogFormat::kFlv), kAnyStep);
    FlvPlayer second(other.In(LogFormat::kFlv), kAnyStep);
    put(kTypeAudio, 4050, 0, "after");
    auto copied = Drain(late.get());
    auto lasting = Drain(&second);
    CHECK(Same(copied, lasting));
    CHECK_EQ(copied.size(), 8u);
    if (copied.size() < 8) continue;
    CHECK(copied[0].payload == "metadata");
    CHECK_EQ(copied[0].timestamp, 0u);
    CHECK(copied[1].payload == "avcC");
    // The preface is stamped with the start of the GOP.
    CHECK_EQ(copied[1].timestamp, 4000u);
    CHECK(copied[2].payload == Body(50000, 1));
    CHECK_EQ(copied[3].timestamp, 3990u);
    // What followed is what the very first player got.
    auto whole = Drain(&first);
    whole.erase(whole.begin(), whole.end() - 6);
    copied.erase(copied.begin(), copied.begin() + 2);
    CHECK(Same(copied, whole));
    // Without players the twin is gone; the next one begins with the headers and GOP of then.
    late.reset();
    live.FreeUnused();
    CHECK(!live.has_flv());
    put(kTypeVideo, 8000, kKeyFrame, "key");
    FlvPlayer third(live.In(LogFormat::kFlv), kAnyStep);
    auto again = Drain(&third);
    CHECK_EQ(again.size(), 3u);
    CHECK(again.size() == 3 && again[1].payload == "new avcC" && again[2].payload == "key");
  }
}

void WithoutGopItWaitsForAKeyFrame() {
  LogOptions options;
  options.gop_cache = false;
  LiveLog live(options);
  PutHeaders(&live);
  Put(&live, kTypeVideo, 5000, kKeyFrame, "key0");
  FlvPlayer player(live.In(LogFormat::kFlv), kAnyStep);
  Put(&live, kTypeVideo, 5040, kInterFrame, "inter");
  Put(&live, kTypeAudio, 5050, 0, "audio");
  Put(&live, kTypeVideo, 5080, kKeyFrame, "key1");
  Put(&live, kTypeVideo, 5120, kInterFrame, "inter1");
  auto got = Drain(&player);
  CHECK_EQ(got.size(), 6u);
  if (got.size() < 6) return;
  CHECK_EQ(got[1].timestamp, 5000u);
  CHECK(got[3].payload == "audio");
  CHECK(got[4].payload == "key1");
  CHECK_EQ(got[5].timestamp, 5120u);
  CHECK_EQ(player.cursor.dropped, 1u);
}

void OwnBytesStandBetweenTags() {
  LiveLog live(LogOptions{});
  FlvPlayer player(live.In(LogFormat::kFlv), 700);
  Put(&live, kTypeVideo, 0, kKeyFrame, Body(20000, 0));
  Put(&live, kTypeVideo, 40, kInterFrame, Body(20000, 1));
  player.Write();
  CHECK(!player.cursor.AtBoundary());
  // A tag of the owner's, written while one of the log is under way.
  uint8_t own[kTagHeaderSize + 3 + kTagTrailerSize] = {};
  PutTagHeader(own, kTypeData, 0, 3);
  PutTagTrailer(own + kTagHeaderSize + 3, 3);
  player.out.Append(own, sizeof(own));
  auto got = Drain(&player);
  CHECK_EQ(got.size(), 3u);
  CHECK(got.size() == 3 && got[1].type == kTypeData && got[2].payload == Body(20000, 1));
}

void SlowPlayersJump() {
  LogOptions options;
  options.queue_ms = 2000;
  LiveLog live(options);
  PutHeaders(&live);
  Put(&live, kTypeVideo, 0, kKeyFrame, Body(20000, 0));
  FlvPlayer player(live.In(LogFormat::kFlv), 777);
  for (int i = 0; i < 3; i++) player.Write();
  CHECK(!player.cursor.AtBoundary());
  for (int i = 1; i < 100; i++) {
    Put(&live, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(1000, i));
  }
  CHECK(JumpIfLagging(&player.cursor, &player.out));
  auto got = Drain(&player);
  CHECK_EQ(got.size(), 3u + 1u + 3u + 25u);
  if (got.size() < 32) return;
  CHECK(got[3].payload == Body(20000, 0));
  CHECK(got[5].payload == "avcC");
  CHECK_EQ(got[5].timestamp, 75u * 40);
  CHECK(got[7].payload == Body(1000, 75));
  CHECK_EQ(player.cursor.dropped, 74u);
}

void PausedPlayersParkAndGoOn() {
  LogOptions options;
  options.queue_ms = 1000;
  LiveLog live(options);
  Put(&live, kTypeVideo, 0, kKeyFrame, "key");
  FlvPlayer player(live.In(LogFormat::kFlv), kAnyStep);
  Drain(&player);
  player.cursor.paused = true;
  uint64_t most = 0;
  for (int i = 1; i < 2000; i++) {
    Put(&live, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(1250, i));
    ParkIfLagging(&player.cursor, &player.out);
    most = std::max(most, live.held_bytes());
  }
  CHECK(most < 400 * 1024);
  CHECK(Unpause(&player.cursor, &player.out));
  auto got = Drain(&player);
  CHECK(!got.empty() && got[0].payload == Body(1250, 1975));
  CHECK(!got.empty() && got[0].timestamp == 1975u * 40);
}

void DurationCountsFromTheStart() {
  LiveLog live(LogOptions{});
  Put(&live, kTypeVideo, 500000, kKeyFrame, "key");
  FlvPlayer player(live.In(LogFormat::kFlv), kAnyStep);
  player.cursor.limit_ms = 100;
  for (int i = 1; i < 10; i++) Put(&live, kTypeVideo, 500000 + i * 40, kInterFrame, "inter");
  CHECK_EQ(Drain(&player).size(), 3u);
  CHECK(EndAtLimit(&player.cursor));
  // Also for RTMP players of absolute timestamps, and where the clock begins anew meanwhile.
  LogOptions options;
  options.absolute = true;
  LiveLog absolute(options);
  RtmpPlayer other(absolute.In(LogFormat::kRtmp), kAnyStep);
  other.cursor.limit_ms = 100;
  Put(&absolute, kTypeVideo, 500000, kKeyFrame, "key");
  for (int i = 0; i < 10; i++) Put(&absolute, kTypeVideo, i * 40, kInterFrame, "inter");
  CHECK_EQ(Drain(&other).size(), 4u);
  CHECK(EndAtLimit(&other.cursor));
}

void OptionsAndResetReachTheTwin() {
  LiveLog live(LogOptions{});
  PutHeaders(&live);
  Put(&live, kTypeVideo, 100, kKeyFrame, "key");
  FlvPlayer stays(live.In(LogFormat::kFlv), kAnyStep);
  LogOptions options;
  options.gop_cache = false;
  live.SetOptions(options);
  CHECK(!live.In(LogFormat::kFlv)->has_gop());
  CHECK(live.In(LogFormat::kFlv)->options().absolute);
  live.Reset();
  CHECK(live.In(LogFormat::kFlv)->headers()->empty());
  Put(&live, kTypeVideo, 140, kInterFrame, "inter");
  CHECK_EQ(Drain(&stays).size(), 5u);
  CHECK_EQ(live.players(), 1);
}

// Random messages and players of both formats: what FLV players get agrees with what RTMP players
// of absolute timestamps get.
void RandomWalk() {
  std::mt19937 random(20260202);
  for (int round = 0; round < 60; round++) {
    LogOptions options;
    options.chunk_size = static_cast<uint32_t>(1 + random() % 3000);
    options.queue_ms = 500 + random() % 3000;
    options.gop_cache = random() % 4 != 0;
    options.absolute = true;
    LiveLog live(options);
    std::vector<std::unique_ptr<FlvPlayer>> flv;
    std::vector<std::unique_ptr<RtmpPlayer>> rtmp;
    int64_t time = random() % 2 ? 0 : 0xFFFF00;
    for (int step = 0; step < 300; step++) {
      time += random() % 60;
      if (random() % 97 == 0) time -= 3000;
      if (time < 0) time = 0;
      uint32_t what = random() % 20;
      std::string body = Body(random() % (what == 0 ? 40000 : 900), step);
      if (what < 8) {
        Put(&live, kTypeVideo, time, what == 0 ? kKeyFrame : kInterFrame, body);
      } else if (what < 15) {
        Put(&live, kTypeAudio, time, 0, body);
      } else if (what == 15) {
        Put(&live, kTypeVideo, time, kKeyFrame | kSequenceHeader, body, 1);
      } else if (what == 16) {
        Put(&live, kTypeData, time, 0, body, 0);
      } else if (what == 17 && random() % 4 == 0) {
        live.Reset();
      } else if (what == 18) {
        flv.push_back(std::make_unique<FlvPlayer>(live.In(LogFormat::kFlv), 1 + random() % 5000));
        rtmp.push_back(std::make_unique<RtmpPlayer>(live.In(LogFormat::kRtmp), kAnyStep));
      } else if (what == 19 && !flv.empty() && random() % 3 == 0) {
        size_t gone = random() % flv.size();
        flv.erase(flv.begin() + static_cast<long>(gone));
        rtmp.erase(rtmp.begin() + static_cast<long>(gone));
        live.FreeUnused();
        CHECK_EQ(live.has_flv(), !flv.empty());
      }
      for (size_t i = 0; i < flv.size(); i++) {
        if (random() % 3 != 0) continue;
        flv[i]->Write();
        rtmp[i]->Drain();
      }
    }
    for (size_t i = 0; i < flv.size(); i++) {
      auto from_flv = Drain(flv[i].get());
      CHECK(Same(from_flv, Drain(rtmp[i].get())));
    }
  }
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"tags hold what went in, wherever writes are cut", TagsHoldWhatWentIn},
      {"metadata is of time zero", MetadataIsOfTimeZero},
      {"the twin starts with the cached GOP", TheTwinStartsWithTheCachedGop},
      {"without a GOP inter frames wait for a key frame", WithoutGopItWaitsForAKeyFrame},
      {"own bytes stand between tags", OwnBytesStandBetweenTags},
      {"slow players jump to the newest key frame", SlowPlayersJump},
      {"paused players park and go on at the newest GOP", PausedPlayersParkAndGoOn},
      {"a duration counts from the player's start", DurationCountsFromTheStart},
      {"options and resets reach the twin", OptionsAndResetReachTheTwin},
      {"a random walk gives both formats the same messages", RandomWalk},
  };
  return check::Run(cases, sizeof(cases) / sizeof(cases[0]));
}
