// Calls in random order over sockets, readers and logs that come and go: nothing is used after it
// is freed (the sanitizers see that), and what players get is whole messages of their format.
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "chunk_decoder.h"
#include "flv_decoder.h"
#include "log_player.h"
#include "loop_fixture.h"

using namespace srs;

namespace {

constexpr uint32_t kChunkSize = 1000;
constexpr size_t kSockets = 24;
constexpr size_t kReaders = 12;
constexpr size_t kLogs = 3;

// Always the same numbers for the same seed (xorshift32).
class Dice {
 public:
  explicit Dice(uint32_t seed) : state_(seed) {}
  uint32_t operator()(uint32_t sides) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ % sides;
  }

 private:
  uint32_t state_;
};

// What a player of one format understands of its bytes.
struct Ear {
  explicit Ear(LogFormat played) : format(played) {}
  void Push(const uint8_t* data, size_t length) {
    if (format == LogFormat::kFlv) {
      flv.Push(data, length);
      flv.Take();
    } else {
      chunks.Push(data, length);
      chunks.Take();
    }
  }
  bool IsFine() const { return flv.error().empty() && chunks.error().empty(); }
  bool AtBoundary() const {
    return format == LogFormat::kFlv ? flv.AtBoundary() : chunks.AtBoundary();
  }

  LogFormat format;
  FlvDecoder flv;
  ChunkDecoder chunks{kChunkSize};
};

struct Client {
  int32_t slot = -1;
  int peer = -1;
  std::unique_ptr<Ear> ear;
};

struct Reader {
  int number = -1;
  std::unique_ptr<Ear> ear;
};

class Orders {
 public:
  explicit Orders(uint32_t seed) : dice_(seed), clients_(kSockets), readers_(kReaders) {
    for (size_t i = 0; i < kLogs; i++) logs_.push_back(NewLog());
  }

  void Run(int steps) {
    for (int i = 0; i < steps; i++) {
      Step();
      if (dice_(4) == 0) fixture_.RunUntil([] { return false; }, dice_(3));
      Forget();
    }
    CHECK(fixture_.closed.size() <= fixture_.accepted.size());
  }

 private:
  LogFormat AnyFormat() { return dice_(2) == 0 ? LogFormat::kRtmp : LogFormat::kFlv; }
  int AnyLog() { return logs_[dice_(kLogs)]; }

  int NewLog() {
    LogOptions options;
    options.chunk_size = kChunkSize;
    options.queue_ms = dice_(2) == 0 ? 500 : 30000;
    options.gop_cache = dice_(3) > 0;
    options.gop_cache_max_bytes = dice_(2) == 0 ? 100000 : 10000000;
    options.absolute = dice_(2) == 0;
    return fixture_.loop.CreateLog(options);
  }

  void Step() {
    uint32_t kind = dice_(10);
    if (kind < 4) return Publish();
    if (kind < 7) return UseClient(&clients_[dice_(kSockets)]);
    if (kind < 9) return UseReader(&readers_[dice_(kReaders)]);
    size_t at = dice_(kLogs);
    switch (dice_(8)) {
      case 0:
        fixture_.loop.CloseLog(logs_[at]);
        logs_[at] = NewLog();
        break;
      case 1:
        if (LiveLog* log = fixture_.loop.LogAt(logs_[at])) log->Reset();
        break;
    }
  }

  void Publish() {
    int log = AnyLog();
    LiveLog* live = fixture_.loop.LogAt(log);
    if (dice_(40) == 0) time_ = dice_(2) == 0 ? 0 : 0xFFFFFF00;
    if (dice_(10) == 0) PutHeaders(live);
    for (uint32_t count = dice_(20); count > 0; count--) {
      time_ += dice_(60);
      uint8_t type = dice_(3) == 0 ? kTypeAudio : kTypeVideo;
      uint8_t flags = type == kTypeAudio ? 0 : dice_(12) == 0 ? kKeyFrame : kInterFrame;
      std::string body =
          Body(dice_(20) == 0 ? dice_(300000) : dice_(3000), static_cast<int>(time_));
      fixture_.loop.Append(log, type, time_, flags, -1,
                           reinterpret_cast<const uint8_t*>(body.data()),
                           static_cast<uint32_t>(body.size()));
    }
  }

  void UseClient(Client* client) {
    Loop& loop = fixture_.loop;
    if (client->slot < 0) {
      client->peer = fixture_.Connect(&client->slot);
      client->ear = std::make_unique<Ear>(AnyFormat());
      return;
    }
    switch (dice_(16)) {
      case 0:
      case 1:
      case 2:
        return loop.Attach(client->slot, AnyLog(), 1, dice_(2) * 5, client->ear->format);
      case 3:
        return loop.Detach(client->slot);
      case 4:
      case 5:
        return loop.SetPaused(client->slot, dice_(2) == 0);
      case 6:
        return loop.SetFlushMs(client->slot, dice_(2) * 5);
      case 7:
        return loop.SetDurationLimit(client->slot, dice_(3) * 400);
      case 8:
        return loop.SetHalfOpen(client->slot, dice_(2) == 0);
      case 9:
        return loop.PauseRead(client->slot, dice_(2) == 0);
      case 10:
        return loop.SetMergedRead(client->slot, dice_(2) * 5, 10);
      case 11:
        return dice_(3) > 0    ? void()
               : dice_(2) == 0 ? loop.End(client->slot)
                               : loop.Destroy(client->slot);
      case 12:
        if (dice_(3) == 0) shutdown(client->peer, SHUT_WR);
        return;
      case 13:
        send(client->peer, "said", 4, MSG_NOSIGNAL);
        return;
      default:
        Fixture::ReadAll(client->peer, client->ear.get(), dice_(200000));
        CHECK(client->ear->IsFine());
    }
  }

  void UseReader(Reader* reader) {
    Loop& loop = fixture_.loop;
    if (reader->number < 0) {
      reader->ear = std::make_unique<Ear>(AnyFormat());
      reader->number = loop.OpenReader(AnyLog(), 1, reader->ear->format);
      CHECK(reader->number >= 0);
      return;
    }
    LogReader* place = loop.ReaderAt(reader->number);
    switch (dice_(8)) {
      case 0:
        loop.CloseReader(reader->number);
        reader->number = -1;
        return;
      case 1:
        CHECK(place->SetPaused(dice_(2) == 0));
        return;
      case 2:
        return place->SetDurationLimit(dice_(3) * 400);
      case 3:
        return place->CheckLag();
      default:
        std::vector<uint8_t> bytes;
        place->Read(&bytes);
        reader->ear->Push(bytes.data(), bytes.size());
        CHECK(reader->ear->IsFine());
        CHECK(reader->ear->AtBoundary());
    }
  }

  // Slots whose close was told are others' from now on.
  void Forget() {
    for (; told_ < fixture_.closed.size(); told_++) {
      for (Client& client : clients_) {
        if (client.slot == fixture_.closed[told_].first) client = Client{};
      }
    }
  }

  Dice dice_;
  Fixture fixture_;
  std::vector<int> logs_;
  std::vector<Client> clients_;
  std::vector<Reader> readers_;
  int64_t time_ = 0;
  size_t told_ = 0;
};

void AnyOrderOfCallsIsSafe() {
  for (uint32_t seed = 1; seed <= 2; seed++) Orders(seed).Run(600);
}

}  // namespace

int main() {
  const check::Case cases[] = {
      {"any order of calls is safe", AnyOrderOfCallsIsSafe},
  };
  return check::Run(cases, 1);
}
