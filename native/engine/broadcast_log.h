// One live stream in one format (an RTMP chunk stream or FLV tags), encoded once and read by any
// number of players. It owns no sockets: a player is a Cursor (log_cursor.h).
//
//   segments   [ 16K ][ 16K ][ 16K ][ ...        one byte stream, cut every 16 KiB
//   entries      |hdr payload|hdr payload|       one index entry per message
//                ^ gop start          ^ end
//
// A position is a byte offset since the log was made; it never wraps. Front segments are freed
// when no cursor stands in them and the cached GOP does not need them.
#ifndef SRS_ENGINE_BROADCAST_LOG_H_
#define SRS_ENGINE_BROADCAST_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "message.h"

namespace srs {

struct Cursor;

// What the caller says of a message; the values are those of the TypeScript side (TagFlags), which
// uses the lower five bits.
enum MessageFlag : uint8_t {
  kKeyFrame = 1,
  kSequenceHeader = 2,
  kInterFrame = 8,
  // Set by the log: the metadata of the stream, whose place among the headers is 0.
  kMetadata = 32,
  // Set by the log: the header cannot be a delta and is written for each player.
  kAbsolute = 128,
};

struct LogOptions {
  uint32_t chunk_size = 60000;
  // A cursor that lags by more media than this jumps to the newest key frame, ms.
  int64_t queue_ms = 30000;
  bool gop_cache = true;
  uint64_t gop_cache_max_bytes = 32 * 1024 * 1024;
  // Players see the log's own timestamps; otherwise each player's time starts at zero. Always so
  // in FLV.
  bool absolute = false;
};

struct Entry {
  uint64_t offset;
  int64_t timestamp;
  // Media time since the log was made, ms; never goes backwards, unlike the timestamp.
  int64_t clock;
  uint32_t length;
  uint8_t type;
  uint8_t flags;
};

// A message that a player must get before any other: metadata or a sequence header.
struct Header {
  int32_t slot;
  uint8_t type;
  std::shared_ptr<const std::vector<uint8_t>> payload;
};
using HeaderSet = std::vector<Header>;

class BroadcastLog {
 public:
  explicit BroadcastLog(const LogOptions& options, LogFormat format = LogFormat::kRtmp);
  ~BroadcastLog();
  BroadcastLog(const BroadcastLog&) = delete;
  BroadcastLog& operator=(const BroadcastLog&) = delete;

  // The same stream as FLV tags: cached GOP, headers and clock as if it had been there all along.
  static std::unique_ptr<BroadcastLog> FlvTwinOf(const BroadcastLog& rtmp);

  // Adds one message. `header_slot` is -1, or the place in the preface that it takes.
  void Append(uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
              const uint8_t* data, uint32_t length);
  // The publisher left: forgets the GOP and the headers. Cursors stay where they are.
  void Reset();
  // Everything but the chunk size may change while players read.
  void SetOptions(const LogOptions& options);

  LogFormat format() const { return format_; }
  const LogOptions& options() const { return options_; }
  uint64_t end() const { return end_; }
  uint64_t end_sequence() const { return first_sequence_ + entries_.size(); }
  int64_t clock() const { return clock_; }
  int64_t last_timestamp() const { return last_timestamp_; }
  bool has_gop() const { return has_gop_; }
  bool seen_key_frame() const { return seen_key_frame_; }
  // Chunk streams that have a delta chain now, as bits (see BitOf).
  uint8_t chained() const { return chained_; }
  uint64_t held_bytes() const { return segments_.size() * kSegmentSize; }
  uint64_t gop_bytes() const { return has_gop_ ? end_ - Gop().offset : 0; }
  // What keeping everything from an entry on costs: its bytes and the index over them, which
  // outweighs the bytes when messages are tiny.
  uint64_t CostFrom(uint64_t offset, uint64_t sequence) const {
    return end_ - offset + (end_sequence() - sequence) * sizeof(Entry);
  }
  int64_t gop_ms() const { return has_gop_ ? clock_ - Gop().clock : 0; }
  uint64_t total_messages() const { return end_sequence(); }
  int64_t players() const { return players_; }

  const Entry& Gop() const { return entries_[gop_sequence_ - first_sequence_]; }
  uint64_t gop_sequence() const { return gop_sequence_; }
  const std::shared_ptr<const HeaderSet>& gop_headers() const { return gop_headers_; }
  const std::shared_ptr<const HeaderSet>& headers() const { return headers_; }

  // The entry that contains `offset`, which lies between the oldest kept byte and end().
  const Entry& EntryAt(uint64_t offset, uint64_t* sequence) const;
  uint64_t EndOf(uint64_t sequence) const {
    uint64_t next = sequence + 1 - first_sequence_;
    return next < entries_.size() ? entries_[next].offset : end_;
  }
  const Entry& BySequence(uint64_t sequence) const { return entries_[sequence - first_sequence_]; }
  // Offset of the first entry at or after `offset` whose header is written per player; end() if
  // none.
  uint64_t NextAbsolute(uint64_t offset) const;
  // The bytes at `offset`, up to the end of its segment; at most `limit - offset`.
  const uint8_t* BytesAt(uint64_t offset, uint64_t limit, size_t* length) const;

  // A cursor keeps the segment it stands in alive.
  void Pin(Cursor* cursor, uint64_t offset);
  void MovePin(Cursor* cursor, uint64_t offset);
  void Unpin(Cursor* cursor);

  static constexpr uint32_t kSegmentShift = 14;
  static constexpr uint64_t kSegmentSize = 1u << kSegmentShift;
  // Past this cost of what is unsent a cursor jumps however little media that is.
  static constexpr uint64_t kMaxLagBytes = 64ull * 1024 * 1024;

  // All headers of a stream together: each new player gets a copy of them.
  static constexpr size_t kMaxHeaderBytes = 256 * 1024;

  static constexpr uint8_t BitOf(uint8_t type) {
    return type == kTypeAudio ? 1 : type == kTypeVideo ? 2 : 0;
  }

 private:
  struct Segment {
    uint8_t* bytes;
    uint32_t cursors;
  };

  void Put(const uint8_t* data, size_t length);
  void PutChunks(Entry* entry, const uint8_t* data);
  void PutTag(const Entry& entry, const uint8_t* data);
  void ReadChunks(const Entry& entry, uint8_t* payload) const;
  void CopyBytes(uint64_t from, uint64_t to, uint8_t* target) const;
  void AddSegment();
  void Trim();
  void StoreHeader(int32_t slot, uint8_t type, const uint8_t* data, uint32_t length);
  void TrackGop(const Entry& entry);
  uint8_t TakeDelta(uint8_t type, int64_t timestamp, uint32_t* delta);

  const LogFormat format_;
  LogOptions options_;
  std::deque<Segment> segments_;
  uint64_t first_segment_ = 0;
  std::deque<Entry> entries_;
  uint64_t first_sequence_ = 0;
  std::deque<uint64_t> absolutes_;
  uint64_t end_ = 0;

  int64_t clock_ = 0;
  int64_t last_timestamp_ = 0;
  // Timestamp of the previous audio and video message, for the deltas.
  int64_t previous_[3] = {0, 0, 0};
  uint8_t chained_ = 0;

  bool has_gop_ = false;
  bool seen_key_frame_ = false;
  uint32_t audio_after_video_ = 0;
  int64_t video_clock_ = 0;
  uint64_t gop_sequence_ = 0;
  std::shared_ptr<const HeaderSet> gop_headers_;
  std::shared_ptr<const HeaderSet> headers_;
  int64_t players_ = 0;
};

}  // namespace srs

#endif  // SRS_ENGINE_BROADCAST_LOG_H_
