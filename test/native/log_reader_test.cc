// Players without a socket: what they read, and what they hold while they do not.
#include "engine/log_reader.h"

#include <string>
#include <vector>

#include "check.h"
#include "chunk_decoder.h"
#include "flv_decoder.h"
#include "log_player.h"
#include "loop_fixture.h"

using namespace srs;

namespace {

// One read, which must end between two messages.
template <typename Decoder>
uint8_t ReadInto(LogReader* reader, Decoder* decoder, size_t* size = nullptr) {
  std::vector<uint8_t> bytes;
  uint8_t state = reader->Read(&bytes);
  decoder->Push(bytes.data(), bytes.size());
  CHECK(decoder->error().empty());
  CHECK(decoder->AtBoundary());
  if (size != nullptr) *size = bytes.size();
  return state;
}

void ReadsEndBetweenMessages() {
  LogOptions options;
  options.chunk_size = 4096;
  BroadcastLog log(options);
  PutHeaders(&log);
  LogReader reader;
  CHECK(reader.Join(&log, 7));
  ChunkDecoder decoder(4096);
  CHECK_EQ(ReadInto(&reader, &decoder), 0);
  CHECK_EQ(decoder.Take().size(), 3u);
  for (int i = 0; i < 100; i++) {
    Put(&log, kTypeVideo, i * 40, i == 0 ? kKeyFrame : kInterFrame, Body(30000, i));
  }
  size_t reads = 0;
  std::vector<Message> got;
  uint8_t state = kReadMore;
  while (state & kReadMore) {
    size_t size;
    state = ReadInto(&reader, &decoder, &size);
    reads++;
    CHECK(size <= LogReader::kReadBytes + 31000);
    for (Message& message : decoder.Take()) got.push_back(std::move(message));
  }
  CHECK_EQ(reads, 6u);
  CHECK_EQ(got.size(), 100u);
  for (size_t i = 0; i < got.size(); i++) {
    CHECK(got[i].payload == Body(30000, static_cast<int>(i)));
    CHECK_EQ(got[i].stream_id, 7u);
  }
  // Nothing new is no bytes; a message above the size of a read comes whole.
  size_t size = 1;
  CHECK_EQ(ReadInto(&reader, &decoder, &size), 0);
  CHECK_EQ(size, 0u);
  Put(&log, kTypeVideo, 5000, kKeyFrame, Body(3000000, 1));
  CHECK_EQ(ReadInto(&reader, &decoder), 0);
  CHECK_EQ(decoder.Take().size(), 1u);
}

void ManyFramesLeftOutAreOneRead() {
  LogOptions options;
  options.gop_cache = false;
  BroadcastLog log(options, LogFormat::kFlv);
  Put(&log, kTypeVideo, 0, kKeyFrame, "key0");
  LogReader reader;
  CHECK(reader.Join(&log, 1));
  for (int i = 1; i < 200; i++) Put(&log, kTypeVideo, i * 40, kInterFrame, "inter");
  Put(&log, kTypeVideo, 8000, kKeyFrame, "key1");
  FlvDecoder decoder;
  CHECK_EQ(ReadInto(&reader, &decoder), 0);
  CHECK_EQ(decoder.Take().size(), 1u);
  CHECK_EQ(reader.cursor().dropped, 199u);
}

void OneThatDoesNotReadHoldsLittle() {
  LogOptions options;
  options.queue_ms = 1000;
  for (LogFormat format : {LogFormat::kRtmp, LogFormat::kFlv}) {
    BroadcastLog log(options, format);
    LogReader stopped;
    LogReader paused;
    CHECK(stopped.Join(&log, 1));
    CHECK(paused.Join(&log, 1));
    paused.SetPaused(true);
    uint64_t most = 0;
    for (int i = 0; i < 3000; i++) {
      // A publisher that sends new headers all the time: prefaces do not pile up.
      if (i % 25 == 0) {
        Put(&log, kTypeVideo, i * 40, kKeyFrame | kSequenceHeader, Body(100000, i), 1);
      }
      Put(&log, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, Body(1250, i));
      if (i % 25 == 10) {
        stopped.CheckLag();
        paused.CheckLag();
      }
      most = std::max(most, log.held_bytes());
    }
    CHECK(most < 1200 * 1024);
    CHECK(stopped.cursor().jumps > 50);
    size_t size;
    FlvDecoder flv;
    ChunkDecoder chunks(options.chunk_size);
    auto read = [&](LogReader* reader) {
      std::vector<Message> got;
      if (format == LogFormat::kFlv) {
        ReadInto(reader, &flv, &size);
        got = flv.Take();
      } else {
        ReadInto(reader, &chunks, &size);
        got = chunks.Take();
      }
      CHECK(size < 400 * 1024);
      CHECK(!got.empty() && got[0].payload.size() == 100000);
    };
    read(&stopped);
    CHECK(paused.SetPaused(false));
    read(&paused);
  }
}

void ADurationEndsTheReading() {
  BroadcastLog log(LogOptions{}, LogFormat::kFlv);
  Put(&log, kTypeVideo, 70000, kKeyFrame, "key");
  LogReader reader;
  CHECK(reader.Join(&log, 1));
  reader.SetDurationLimit(100);
  FlvDecoder decoder;
  CHECK_EQ(ReadInto(&reader, &decoder), 0);
  for (int i = 1; i < 10; i++) Put(&log, kTypeVideo, 70000 + i * 40, kInterFrame, "inter");
  CHECK_EQ(ReadInto(&reader, &decoder), kReadEnded);
  CHECK_EQ(decoder.Take().size(), 3u);
  Put(&log, kTypeVideo, 80000, kInterFrame, "inter");
  CHECK_EQ(ReadInto(&reader, &decoder), 0);
  CHECK_EQ(decoder.Take().size(), 0u);
}

void TheLoopKeepsReadersByNumber() {
  Fixture f;
  int log = f.loop.CreateLog(LogOptions{});
  CHECK_EQ(f.loop.OpenReader(log + 1, 1, LogFormat::kRtmp), -EBADF);
  int first = f.loop.OpenReader(log, 1, LogFormat::kFlv);
  int second = f.loop.OpenReader(log, 1, LogFormat::kFlv);
  CHECK(first != second);
  CHECK(f.loop.LogAt(log)->has_flv());
  f.loop.CloseReader(first);
  f.loop.CloseReader(first);
  CHECK(f.loop.LogAt(log)->has_flv());
  CHECK_EQ(f.loop.OpenReader(log, 1, LogFormat::kRtmp), first);
  f.loop.CloseReader(second);
  CHECK(!f.loop.LogAt(log)->has_flv());
  // One whose log is closed reads nothing, and closing it does not touch the log's successor.
  f.loop.CloseLog(log);
  CHECK_EQ(f.loop.CreateLog(LogOptions{}), log);
  std::vector<uint8_t> bytes;
  CHECK_EQ(f.loop.ReaderAt(first)->Read(&bytes), 0);
  CHECK(f.loop.ReaderAt(first)->SetPaused(false));
  f.loop.CloseReader(first);
  CHECK(f.loop.ReaderAt(first) == nullptr);
  CHECK_EQ(f.loop.LogAt(log)->players(), 0);
}

void TheLoopChecksTheLagOfReaders() {
  Fixture f;
  LogOptions options;
  options.queue_ms = 1000;
  int log = f.loop.CreateLog(options);
  int reader = f.loop.OpenReader(log, 1, LogFormat::kFlv);
  for (int i = 0; i < 200; i++) {
    Put(&f.loop, log, kTypeVideo, i * 40, i % 25 == 0 ? kKeyFrame : kInterFrame, 1000);
  }
  CHECK_EQ(f.loop.ReaderAt(reader)->cursor().jumps, 0u);
  // Without any socket.
  CHECK(f.RunUntil([&] { return f.loop.ReaderAt(reader)->cursor().jumps == 1; }));
  CHECK(LagOf(f.loop.ReaderAt(reader)->cursor()) <= 1000);
  // Nobody left to look after is no turn any more.
  f.loop.CloseReader(reader);
  f.RunUntil([] { return false; }, 1100);
  uint64_t turns = f.loop.stats().turns;
  f.RunUntil([] { return false; }, 1500);
  CHECK_EQ(f.loop.stats().turns, turns);
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"reads end between two messages", ReadsEndBetweenMessages},
      {"many frames left out are one read", ManyFramesLeftOutAreOneRead},
      {"one that does not read holds little", OneThatDoesNotReadHoldsLittle},
      {"a duration ends the reading", ADurationEndsTheReading},
      {"the loop keeps readers by number", TheLoopKeepsReadersByNumber},
      {"the loop checks the lag of readers", TheLoopChecksTheLagOfReaders},
  };
  return check::Run(cases, sizeof(cases) / sizeof(cases[0]));
}
