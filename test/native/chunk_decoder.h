// Reads an RTMP chunk stream back into messages, as strictly as a player would.
#ifndef SRS_TEST_CHUNK_DECODER_H_
#define SRS_TEST_CHUNK_DECODER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "message.h"

class ChunkDecoder {
 public:
  explicit ChunkDecoder(uint32_t chunk_size) : chunk_size_(chunk_size) {}
  void Push(const uint8_t* data, size_t length);
  // Messages since the last call.
  std::vector<Message> Take();
  // What was wrong first; empty while the stream is well formed.
  const std::string& error() const { return error_; }
  // No byte of an unfinished chunk or message waits.
  bool AtBoundary() const;

 private:
  struct Stream {
    bool seen = false;
    bool extended = false;
    uint32_t timestamp = 0;
    uint32_t delta = 0;
    uint32_t length = 0;
    uint32_t stream_id = 0;
    uint8_t type = 0;
    std::string partial;
    bool open = false;
  };
  bool ReadChunk();

  uint32_t chunk_size_;
  std::string pending_;
  std::map<int, Stream> streams_;
  std::vector<Message> messages_;
  std::string error_;
};

#endif  // SRS_TEST_CHUNK_DECODER_H_
