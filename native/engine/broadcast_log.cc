#include "broadcast_log.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "chunk_format.h"
#include "flv_format.h"
#include "log_cursor.h"

namespace srs {

namespace {
// One step of the media clock is never longer: a jump of the publisher's timestamps says nothing
// of how much media waits.
constexpr int64_t kMaxClockStepMs = 1000;
// So much audio without a video frame means that the encoder has switched video off.
constexpr uint32_t kPureAudioMessages = 115;
constexpr int64_t kPureAudioMs = 3000;
constexpr int32_t kMetadataSlot = 0;
}  // namespace

BroadcastLog::BroadcastLog(const LogOptions& options, LogFormat format)
    : format_(format), headers_(std::make_shared<HeaderSet>()) {
  gop_headers_ = headers_;
  AddSegment();
  options_.chunk_size = options.chunk_size;
  SetOptions(options);
}

BroadcastLog::~BroadcastLog() {
  for (Segment& segment : segments_) std::free(segment.bytes);
}

void BroadcastLog::AddSegment() {
  auto* bytes = static_cast<uint8_t*>(std::malloc(kSegmentSize));
  // Without memory for 16 KiB nothing can go on, and the process is restarted by its supervisor.
  if (bytes == nullptr) std::abort();
  segments_.push_back(Segment{bytes, 0});
}

void BroadcastLog::Put(const uint8_t* data, size_t length) {
  while (length > 0) {
    uint64_t within = end_ & (kSegmentSize - 1);
    size_t part = std::min<size_t>(length, kSegmentSize - within);
    std::memcpy(segments_.back().bytes + within, data, part);
    end_ += part;
    data += part;
    length -= part;
    // The segment of end() always exists, so that a cursor which waits there can pin it.
    if ((end_ & (kSegmentSize - 1)) == 0) AddSegment();
  }
}

void BroadcastLog::PutChunks(Entry* entry, const uint8_t* data) {
  const uint32_t length = entry->length;
  uint32_t delta;
  entry->flags =
      static_cast<uint8_t>(entry->flags | TakeDelta(entry->type, entry->timestamp, &delta));
  if (entry->flags & kAbsolute) absolutes_.push_back(end_);
  uint8_t header[kDeltaHeaderSize];
  PutDeltaHeader(header, entry->type, delta, length);
  Put(header, sizeof(header));

  const uint8_t continuation = static_cast<uint8_t>(0xC0 | ChunkStreamOf(entry->type));
  uint32_t part = std::min(length, options_.chunk_size);
  Put(data, part);
  for (uint32_t done = part; done < length; done += part) {
    part = std::min(length - done, options_.chunk_size);
    Put(&continuation, 1);
    Put(data + done, part);
  }
}

// The payload of a message that PutChunks wrote, without the headers of its chunks.
void BroadcastLog::ReadChunks(const Entry& entry, uint8_t* payload) const {
  uint64_t at = entry.offset + kDeltaHeaderSize;
  for (uint32_t done = 0; done < entry.length;) {
    uint32_t part = std::min(entry.length - done, options_.chunk_size);
    CopyBytes(at, at + part, payload + done);
    done += part;
    at += part + 1;
  }
}

void BroadcastLog::CopyBytes(uint64_t from, uint64_t to, uint8_t* target) const {
  while (from < to) {
    size_t length;
    const uint8_t* data = BytesAt(from, to, &length);
    std::memcpy(target, data, length);
    target += length;
    from += length;
  }
}

void BroadcastLog::PutTag(const Entry& entry, const uint8_t* data) {
  uint8_t header[kTagHeaderSize];
  // Readers take script data of another time than 0 for subtitles.
  bool metadata = entry.type == kTypeData && (entry.flags & kMetadata) != 0;
  auto time = static_cast<uint32_t>(metadata ? 0 : entry.timestamp);
  PutTagHeader(header, entry.type, time, entry.length);
  Put(header, sizeof(header));
  Put(data, entry.length);
  uint8_t trailer[kTagTrailerSize];
  PutTagTrailer(trailer, entry.length);
  Put(trailer, sizeof(trailer));
}

std::unique_ptr<BroadcastLog> BroadcastLog::FlvTwinOf(const BroadcastLog& rtmp) {
  auto twin = std::make_unique<BroadcastLog>(rtmp.options_, LogFormat::kFlv);
  std::vector<uint8_t> payload;
  uint64_t from = rtmp.has_gop_ ? rtmp.gop_sequence_ : rtmp.end_sequence();
  for (uint64_t sequence = from; sequence < rtmp.end_sequence(); sequence++) {
    Entry entry = rtmp.BySequence(sequence);
    payload.resize(entry.length);
    rtmp.ReadChunks(entry, payload.data());
    entry.offset = twin->end_;
    entry.flags = static_cast<uint8_t>(entry.flags & ~kAbsolute);
    twin->PutTag(entry, payload.data());
    twin->entries_.push_back(entry);
  }
  twin->clock_ = rtmp.clock_;
  twin->last_timestamp_ = rtmp.last_timestamp_;
  twin->has_gop_ = rtmp.has_gop_;
  twin->seen_key_frame_ = rtmp.seen_key_frame_;
  twin->audio_after_video_ = rtmp.audio_after_video_;
  twin->video_clock_ = rtmp.video_clock_;
  twin->gop_headers_ = rtmp.gop_headers_;
  twin->headers_ = rtmp.headers_;
  return twin;
}

uint8_t BroadcastLog::TakeDelta(uint8_t type, int64_t timestamp, uint32_t* delta) {
  uint8_t bit = BitOf(type);
  *delta = 0;
  if (bit == 0) return kAbsolute;
  int64_t step = timestamp - previous_[bit];
  bool fits = (chained_ & bit) != 0 && step >= 0 && step < kExtendedTimestamp;
  previous_[bit] = timestamp;
  chained_ |= bit;
  if (!fits) return kAbsolute;
  *delta = static_cast<uint32_t>(step);
  return 0;
}

void BroadcastLog::Append(uint8_t type, int64_t timestamp, uint8_t flags, int32_t header_slot,
                          const uint8_t* data, uint32_t length) {
  if (header_slot >= 0) StoreHeader(header_slot, type, data, length);

  if (type != kTypeData) {
    int64_t step = timestamp - last_timestamp_;
    if (step > 0) clock_ += std::min(step, kMaxClockStepMs);
    last_timestamp_ = timestamp;
  }
  Entry entry{end_, timestamp, clock_, length, type, flags};
  if (type == kTypeData && header_slot == kMetadataSlot) entry.flags |= kMetadata;
  if (format_ == LogFormat::kFlv) {
    PutTag(entry, data);
  } else {
    PutChunks(&entry, data);
  }
  entries_.push_back(entry);
  TrackGop(entry);
  Trim();
}

void BroadcastLog::TrackGop(const Entry& entry) {
  if (entry.type == kTypeVideo) {
    audio_after_video_ = 0;
    video_clock_ = clock_;
    if ((entry.flags & kKeyFrame) && !(entry.flags & kSequenceHeader)) {
      seen_key_frame_ = true;
      has_gop_ = options_.gop_cache;
      gop_sequence_ = end_sequence() - 1;
      gop_headers_ = headers_;
      return;
    }
  } else if (entry.type == kTypeAudio && !(entry.flags & kSequenceHeader)) {
    audio_after_video_++;
  }
  bool video_stopped =
      audio_after_video_ > kPureAudioMessages && clock_ - video_clock_ > kPureAudioMs;
  if (video_stopped) seen_key_frame_ = false;
  if (has_gop_ &&
      (video_stopped || CostFrom(Gop().offset, gop_sequence_) > options_.gop_cache_max_bytes ||
       gop_ms() > options_.queue_ms)) {
    has_gop_ = false;
  }
}

void BroadcastLog::StoreHeader(int32_t slot, uint8_t type, const uint8_t* data, uint32_t length) {
  auto next = std::make_shared<HeaderSet>(*headers_);
  auto is_same = [slot](const Header& one) { return one.slot == slot; };
  next->erase(std::remove_if(next->begin(), next->end(), is_same), next->end());
  size_t total = length;
  for (const Header& one : *next) total += one.payload->size();
  // One that is too large passes like any message, only players to come do not get it.
  if (total <= kMaxHeaderBytes) {
    auto payload = std::make_shared<const std::vector<uint8_t>>(data, data + length);
    auto is_before = [](const Header& one, int32_t wanted) { return one.slot < wanted; };
    auto place = std::lower_bound(next->begin(), next->end(), slot, is_before);
    next->insert(place, Header{slot, type, std::move(payload)});
  }
  headers_ = std::move(next);
}

void BroadcastLog::Reset() {
  has_gop_ = false;
  seen_key_frame_ = false;
  chained_ = 0;
  audio_after_video_ = 0;
  headers_ = std::make_shared<HeaderSet>();
  gop_headers_ = headers_;
  Trim();
}

void BroadcastLog::SetOptions(const LogOptions& options) {
  uint32_t chunk_size = options_.chunk_size;
  options_ = options;
  options_.chunk_size = chunk_size;
  options_.absolute |= format_ == LogFormat::kFlv;
  if (!options_.gop_cache) has_gop_ = false;
  Trim();
}

void BroadcastLog::Trim() {
  uint64_t keep = has_gop_ ? Gop().offset : end_;
  while (segments_.size() > 1 && segments_.front().cursors == 0 &&
         ((first_segment_ + 1) << kSegmentShift) <= keep) {
    std::free(segments_.front().bytes);
    segments_.pop_front();
    first_segment_++;
  }
  uint64_t start = first_segment_ << kSegmentShift;
  while (!entries_.empty() && EndOf(first_sequence_) <= start) {
    entries_.pop_front();
    first_sequence_++;
  }
  while (!absolutes_.empty() && absolutes_.front() < start) absolutes_.pop_front();
}

const Entry& BroadcastLog::EntryAt(uint64_t offset, uint64_t* sequence) const {
  auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](uint64_t wanted, const Entry& entry) { return wanted < entry.offset; });
  --after;
  *sequence = first_sequence_ + static_cast<uint64_t>(after - entries_.begin());
  return *after;
}

uint64_t BroadcastLog::NextAbsolute(uint64_t offset) const {
  // Nearly always the last one lies behind, or there is none.
  if (absolutes_.empty() || absolutes_.back() < offset) return end_;
  return *std::lower_bound(absolutes_.begin(), absolutes_.end(), offset);
}

const uint8_t* BroadcastLog::BytesAt(uint64_t offset, uint64_t limit, size_t* length) const {
  uint64_t within = offset & (kSegmentSize - 1);
  *length = static_cast<size_t>(std::min(limit - offset, kSegmentSize - within));
  return segments_[(offset >> kSegmentShift) - first_segment_].bytes + within;
}

void BroadcastLog::Pin(Cursor* cursor, uint64_t offset) {
  cursor->offset = offset;
  segments_[(offset >> kSegmentShift) - first_segment_].cursors++;
  players_++;
}

void BroadcastLog::MovePin(Cursor* cursor, uint64_t offset) {
  uint64_t from = cursor->offset >> kSegmentShift;
  uint64_t to = offset >> kSegmentShift;
  cursor->offset = offset;
  if (from == to) return;
  segments_[to - first_segment_].cursors++;
  uint32_t left = --segments_[from - first_segment_].cursors;
  if (left == 0 && from == first_segment_) Trim();
}

void BroadcastLog::Unpin(Cursor* cursor) {
  uint64_t segment = cursor->offset >> kSegmentShift;
  players_--;
  if (--segments_[segment - first_segment_].cursors == 0 && segment == first_segment_) Trim();
}

}  // namespace srs
