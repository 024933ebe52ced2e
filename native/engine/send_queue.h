// The bytes a socket owns and still has to send: control replies, prefaces, HTTP bodies.
// Media of live streams never lies here; players read it from the broadcast log.
#ifndef SRS_ENGINE_SEND_QUEUE_H_
#define SRS_ENGINE_SEND_QUEUE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace srs {

class SendQueue {
 public:
  SendQueue() = default;
  ~SendQueue() { Clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Copies `length` bytes to the end. Returns false when memory is exhausted.
  bool Append(const void* data, size_t length);
  // Copies `length` bytes before everything that waits here.
  bool Prepend(const void* data, size_t length);
  // Fills at most `room` vectors with the waiting bytes, in order; returns how many.
  // `bytes` grows by what they hold.
  size_t Gather(struct iovec* vectors, size_t room, size_t* bytes) const;
  // Drops the first `length` bytes, which were sent.
  void Consume(size_t length);
  void Clear();

 private:
  struct Block {
    Block* next;
    uint32_t capacity;
    uint32_t begin;
    uint32_t end;
    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
    const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  };
  static Block* NewBlock(size_t length);

  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  size_t size_ = 0;
};

}  // namespace srs

#endif  // SRS_ENGINE_SEND_QUEUE_H_
